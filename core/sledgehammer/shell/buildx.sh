sledge_output= # of builds that push, known once there is a builder

# The engine's own builder exports a cache only on the containerd image store (docker/buildx#701).
sledge_engine_exports() {
  grep -q io.containerd.snapshotter "$sledge_dir/facts"
}

# How an image is pushed. The engine's builder unpacks all of what it pushes, unless its exporter is told not to; then
# layers that are in a registry stay there. With "push=true" buildx would have the engine push what it has not unpacked,
# so it stays empty, which BuildKit takes for true (exporter/containerimage) and buildx for false (pushWithMoby). Tried
# with Docker 26.1 and 28.5; of older ones it is not known.
sledge_push_output() {
  if [ "$sledge_builder" = default ] && sledge_engine_exports \
    && [ "$(cut -d . -f 1 "$sledge_dir/facts")" -ge 26 ] 2>/dev/null; then
    echo type=image,push=,unpack=false,store=false
  else
    echo type=image,push=true
  fi
}

# $1: image, $2: repository to push to, "" to load into the engine; the rest are arguments of docker buildx build
sledge_build() {
  sledge_image=$1
  sledge_repository=$2
  shift 2
  if [ -n "$sledge_repository" ]; then
    sledge_output=${sledge_output:-$(sledge_push_output)}
    set -- --output "$sledge_output" "$@"
  else
    set -- --load "$@"
  fi
  rm -f "$sledge_dir/metadata"
  {
    sledge_status=0
    docker buildx --builder "$sledge_builder" build --progress plain --metadata-file "$sledge_dir/metadata" "$@" 2>&1 \
      || sledge_status=$?
    echo "$sledge_status" >"$sledge_dir/code"
  } | tee "$sledge_dir/progress"
  sledge_demand_built "$sledge_image" "$(cat "$sledge_dir/code")"
  # shellcheck disable=SC2046 # two numbers
  sledge_count "$sledge_image" $(sledge_count_steps <"$sledge_dir/progress")
  [ -n "$sledge_repository" ] || return 0
  sledge_digest=$(sed -n 's/.*"containerimage.digest": *"\(sha256:[0-9a-f]*\)".*/\1/p' "$sledge_dir/metadata")
  [ -n "$sledge_digest" ] || sledge_fail "image $sledge_image: the builder reported no digest"
  grep -q "pushing manifest for .*@$sledge_digest" "$sledge_dir/progress" \
    || [ "$sledge_output" = type=image,push=true ] \
    || sledge_fail "image $sledge_image: Docker $(cut -d ' ' -f 1 "$sledge_dir/facts") built $sledge_digest and did not" \
      "push it; set cache: {builder: container} and tell us"
  sledge_say "image $sledge_image: pushed $sledge_repository@$sledge_digest"
}

# $1: image, $2: what is written, $3: seconds it may take, $4: folder to replace or ""; the rest are arguments of docker
# buildx build, which finds every step cached
sledge_export() {
  sledge_begin_export "$1" "$2" "$3" || return 0
  sledge_folder=$4
  shift 4
  [ -z "$sledge_folder" ] || rm -rf "$sledge_folder.new"
  sledge_bounded docker buildx --builder "$sledge_builder" build --progress plain --provenance=false "$@"
  if sledge_end_export && [ -n "$sledge_folder" ]; then
    rm -rf "$sledge_folder"
    mv "$sledge_folder.new" "$sledge_folder"
  fi
}
