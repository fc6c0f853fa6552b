# $1: the folder below the project's that the CI brings and takes. Beside the project it is no part of a build context.
sledge_take_cache_folder() {
  sledge_kept=$PWD/$1
  sledge_cache=$PWD.$(basename "$1")
  rm -rf "$sledge_cache"
  if [ -d "$sledge_kept" ]; then mv "$sledge_kept" "$sledge_cache"; else mkdir -p "$sledge_cache"; fi
}

sledge_give_cache_folder() {
  [ -n "${sledge_cache-}" ] || return 0
  rm -rf "$sledge_cache"/*.new
  rm -rf "$sledge_kept"
  mv "$sledge_cache" "$sledge_kept"
}
