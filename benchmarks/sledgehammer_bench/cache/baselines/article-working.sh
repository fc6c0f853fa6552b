# The same two images, with the metadata that BuildKit looks for in them. It pulls what it needs, and no more: the
# pulls before it would only be slower.
docker build --progress plain --build-arg BUILDKIT_INLINE_CACHE=1 --target build \
  --cache-from "$CI_REGISTRY_IMAGE/build:latest" \
  --tag "$CI_REGISTRY_IMAGE/build:latest" .
docker build --progress plain --build-arg BUILDKIT_INLINE_CACHE=1 --target package \
  --cache-from "$CI_REGISTRY_IMAGE/build:latest" \
  --cache-from "$CI_REGISTRY_IMAGE:latest" \
  --tag "$CI_REGISTRY_IMAGE:latest" .
bench_timed push docker push "$CI_REGISTRY_IMAGE/build:latest"
bench_timed push docker push "$CI_REGISTRY_IMAGE:latest"
