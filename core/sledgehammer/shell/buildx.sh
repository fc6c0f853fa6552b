# $1: image, $2: repository to report or ""; the rest are arguments of docker buildx build
sledge_build() {
  sledge_image=$1
  sledge_repository=$2
  shift 2
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
