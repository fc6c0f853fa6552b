set -eu

# $1: what it is counted as; the rest is run, and its seconds are told
bench_timed() {
  bench_what=$1
  shift
  bench_started=$(cut -d' ' -f1 /proc/uptime)
  bench_code=0
  "$@" || bench_code=$?
  echo "bench: $bench_what $(echo "$bench_started $(cut -d' ' -f1 /proc/uptime)" | awk '{ printf "%.2f", $2 - $1 }') s"
  return "$bench_code"
}

printf %s "$CI_REGISTRY_PASSWORD" | docker login --username "$CI_REGISTRY_USER" --password-stdin "$CI_REGISTRY"
