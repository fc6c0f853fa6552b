# The builder pattern as it was published, with the builder of its day.
export DOCKER_BUILDKIT=0
bench_timed pull docker pull "$CI_REGISTRY_IMAGE/build:latest" || true
bench_timed build docker build --target build \
  --cache-from "$CI_REGISTRY_IMAGE/build:latest" \
  --tag "$CI_REGISTRY_IMAGE/build:latest" .
bench_timed build docker build --target package \
  --cache-from "$CI_REGISTRY_IMAGE/build:latest" \
  --cache-from "$CI_REGISTRY_IMAGE:latest" \
  --tag "$CI_REGISTRY_IMAGE:latest" .
bench_timed push docker push "$CI_REGISTRY_IMAGE/build:latest"
bench_timed push docker push "$CI_REGISTRY_IMAGE:latest"
