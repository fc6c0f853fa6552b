sledge_say() { printf 'sledge: %s\n' "$*"; }

sledge_fail() { printf 'sledge: %s\n' "$*" >&2; exit 1; }

# $1: seconds to wait; $2: "start" to start a daemon in this container when none answers
sledge_wait_for_engine() {
  sledge_waited=0
  if [ "$2" = start ] && ! docker info >/dev/null 2>&1 && command -v dockerd >/dev/null 2>&1 \
    && [ ! -S /var/run/docker.sock ]; then
    dockerd --host unix:///var/run/docker.sock >"$sledge_dir/dockerd.log" 2>&1 &
  fi
  until sledge_read_engine; do
    sledge_waited=$((sledge_waited + 1))
    if [ "$sledge_waited" -ge "$1" ]; then
      cat "$sledge_dir/engine" >&2
      sledge_fail "the Docker engine at ${DOCKER_HOST:-the default socket} did not answer within $1 s"
    fi
    sleep 1
  done
  sledge_say "engine: Docker $(cut -d ' ' -f 1 "$sledge_dir/facts")"
}

# The engine's version and image store; a client that reaches none may succeed all the same, with an empty version.
sledge_read_engine() {
  docker info --format '{{.ServerVersion}} {{json .DriverStatus}}' >"$sledge_dir/facts" 2>"$sledge_dir/engine" \
    && grep -q '^[^ ]' "$sledge_dir/facts"
}

# Credentials of this script live and die with it; what the CI's own configuration holds is kept.
sledge_private_config() {
  [ ! -d "$sledge_dir/docker" ] || return 0
  sledge_config=${DOCKER_CONFIG:-${HOME:-}/.docker}
  mkdir -m 700 "$sledge_dir/docker"
  if [ -d "$sledge_config" ]; then cp -R "$sledge_config/." "$sledge_dir/docker/"; fi
  export DOCKER_CONFIG="$sledge_dir/docker"
}

# $1: registry, $2: user; the password comes by standard input. Kept for clients that ask no engine, as docker login
# would keep it.
sledge_credentials() {
  sledge_password=$(cat)
  [ -n "$sledge_password" ] || sledge_fail "login to $1 as $2 failed: there is no password"
  mkdir -m 700 "$sledge_dir/registry"
  printf '{"auths":{"%s":{"auth":"%s"}}}\n' "$1" "$(printf '%s:%s' "$2" "$sledge_password" | base64 | tr -d '\n')" \
    >"$sledge_dir/registry/config.json"
}

# $1: registry, $2: user, as in sledge_credentials
sledge_login() {
  printf %s "$(sed 's/.*"auth":"\([^"]*\)".*/\1/' "$sledge_dir/registry/config.json" | base64 -d | cut -d : -f 2-)" \
    | docker login --username "$2" --password-stdin "$1" >/dev/null 2>"$sledge_dir/login" || {
    cat "$sledge_dir/login" >&2
    sledge_fail "login to $1 as $2 failed"
  }
  sledge_say "logged in to $1 as $2"
}

# $1: image, $2: exit code of its build
sledge_demand_built() {
  [ "$2" -eq 0 ] || sledge_fail "image $1: the build failed with exit code $2"
}

# $1: image, $2: steps that were cached, $3: all steps
sledge_count() {
  # shellcheck disable=SC2034 # of export.sh
  sledge_export_ends=
  # shellcheck disable=SC2034 # of cache_ref.sh
  sledge_all=$3
  sledge_ran=$(($3 - $2))
  sledge_say "image $1: $2 of $3 steps cached"
}

# Steps are BuildKit's vertices "#8 [stage 2/5] RUN …"; FROM is none, for a base image is pulled, not built. A cached
# step says CACHED, or, when its layers had to be fetched, only how much of which blobs it fetches and extracts: the lines
# of a step that runs begin with its seconds. Docker 20.10 prints each step's own digest besides.
sledge_count_steps() {
  awk '
    /^#[0-9]+ \[([^]]* )?[0-9]+\/[0-9]+\] / && !/^#[0-9]+ \[[^]]*\] FROM / { steps[$1] = 1 }
    /^#[0-9]+ (CACHED|sha256:[0-9a-f]+ [0-9]|extracting sha256:)/ { cached[$1] = 1 }
    END { for (step in steps) { all++; if (step in cached) hits++ }; printf "%d %d", hits, all }
  '
}

sledge_dir=$(mktemp -d)
sledge_builder=default
sledge_ran=1
sledge_at_exit() {
  if command -v sledge_end_exports >/dev/null; then sledge_end_exports 60; fi
  if command -v sledge_remove_builder >/dev/null; then sledge_remove_builder; fi
  if command -v sledge_give_cache_folder >/dev/null; then sledge_give_cache_folder; fi
  rm -rf "$sledge_dir"
}
# What ends the job is no reason to leave credentials behind.
# shellcheck disable=SC2034 # of buildx.sh
sledge_leave() { sledge_is_cut=1; exit "$1"; }
trap sledge_at_exit EXIT
trap 'sledge_leave 129' HUP
trap 'sledge_leave 130' INT
trap 'sledge_leave 143' TERM
