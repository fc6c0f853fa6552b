sledge_say() { printf 'sledge: %s\n' "$*"; }

sledge_fail() { printf 'sledge: %s\n' "$*" >&2; exit 1; }

# $1: seconds to wait; $2: "start" to start a daemon in this container when none answers
sledge_wait_for_engine() {
  sledge_waited=0
  if [ "$2" = start ] && ! docker info >/dev/null 2>&1 && command -v dockerd >/dev/null 2>&1 \
    && [ ! -S /var/run/docker.sock ]; then
    dockerd --host unix:///var/run/docker.sock >"$sledge_dir/dockerd.log" 2>&1 &
  fi
  until docker info >/dev/null 2>"$sledge_dir/engine"; do
    sledge_waited=$((sledge_waited + 1))
    if [ "$sledge_waited" -ge "$1" ]; then
      cat "$sledge_dir/engine" >&2
      sledge_fail "the Docker engine at ${DOCKER_HOST:-the default socket} did not answer within $1 s"
    fi
    sleep 1
  done
  sledge_say "engine: Docker $(docker version --format '{{.Server.Version}}')"
}

# Credentials of this script live and die with it; what the CI's own configuration holds is kept.
sledge_private_config() {
  [ ! -d "$sledge_dir/docker" ] || return 0
  sledge_config=${DOCKER_CONFIG:-${HOME:-}/.docker}
  mkdir -m 700 "$sledge_dir/docker"
  if [ -d "$sledge_config" ]; then cp -R "$sledge_config/." "$sledge_dir/docker/"; fi
  export DOCKER_CONFIG="$sledge_dir/docker"
}

# $1: registry, $2: user; the password comes by standard input
sledge_login() {
  docker login --username "$2" --password-stdin "$1" >/dev/null 2>"$sledge_dir/login" || {
    cat "$sledge_dir/login" >&2
    sledge_fail "login to $1 as $2 failed"
  }
  sledge_say "logged in to $1 as $2"
}

# The engine's own builder exports a registry cache only on the containerd image store (docker/buildx#701).
# A builder in a container cannot take TLS settings from the environment, only from a context (docker/buildx#413).
sledge_select_builder() {
  if docker info --format '{{json .DriverStatus}}' | grep -q io.containerd.snapshotter; then
    sledge_builder=default
  else
    sledge_builder=sledge-$$
    docker context create "$sledge_builder" >/dev/null
    docker buildx create --name "$sledge_builder" --driver docker-container --bootstrap "$sledge_builder" >/dev/null \
      || sledge_fail "no BuildKit builder could be started: does the engine reach the moby/buildkit image?"
  fi
  sledge_say "builder: $sledge_builder"
}

# $1: image name, $2: repository to report or ""; the rest are arguments of docker buildx build
sledge_build() {
  sledge_image=$1
  sledge_repository=$2
  shift 2
  rm -f "$sledge_dir/metadata"
  {
    sledge_code=0
    docker buildx --builder "$sledge_builder" build --progress plain --metadata-file "$sledge_dir/metadata" "$@" 2>&1 \
      || sledge_code=$?
    echo "$sledge_code" >"$sledge_dir/code"
  } | tee "$sledge_dir/progress"
  sledge_code=$(cat "$sledge_dir/code")
  [ "$sledge_code" -eq 0 ] || sledge_fail "image $sledge_image: the build failed with exit code $sledge_code"
  sledge_say "image $sledge_image: $(sledge_count_steps <"$sledge_dir/progress") steps cached"
  [ -n "$sledge_repository" ] || return 0
  sledge_digest=$(sed -n 's/.*"containerimage.digest": *"\(sha256:[0-9a-f]*\)".*/\1/p' "$sledge_dir/metadata")
  [ -n "$sledge_digest" ] || sledge_fail "image $sledge_image: the builder reported no digest"
  sledge_say "image $sledge_image: pushed $sledge_repository@$sledge_digest"
}

# Steps are BuildKit's vertices "#8 [stage 2/5] RUN …"; FROM is none, for a base image is pulled, not built. A cached
# step says CACHED, or, when its layers had to be fetched, only which blobs it fetches and extracts: the lines of a
# step that runs begin with its seconds.
sledge_count_steps() {
  awk '
    /^#[0-9]+ \[([^]]* )?[0-9]+\/[0-9]+\] / && !/^#[0-9]+ \[[^]]*\] FROM / { steps[$1] = 1 }
    /^#[0-9]+ (CACHED|sha256:|extracting sha256:)/ { cached[$1] = 1 }
    END { for (step in steps) { all++; if (step in cached) hits++ }; printf "%d of %d", hits, all }
  '
}

sledge_dir=$(mktemp -d)
sledge_builder=default
trap 'rm -rf "$sledge_dir"' EXIT
