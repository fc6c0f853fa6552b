# One Dockerfile, one build, one push.
docker build --progress plain --tag "$CI_REGISTRY_IMAGE:$CI_COMMIT_SHA" .
bench_timed push docker push "$CI_REGISTRY_IMAGE:$CI_COMMIT_SHA"
