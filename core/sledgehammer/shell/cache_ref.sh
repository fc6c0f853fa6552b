# The registry's refs of caches while builds of one branch run side by side.

# A function and its arguments: asks the registry beside what else asks it
sledge_ask_beside() { (sledge_imagetools_errors=/dev/null && "$@"); }

# Looks, beside the build, at what is there when it begins. $1: reference
sledge_note_ref() {
  sledge_ask_beside sledge_inspect "$1" >"$(sledge_noted "$1")" &
  sledge_noting="${sledge_noting-} $!"
}

sledge_noted() { printf '%s/noted-' "$sledge_dir" && printf %s "$1" | sha256sum | cut -c1-16; }

# The last of two writers leaves its own layers there and no others. $1: reference
sledge_compare_ref() {
  # shellcheck disable=SC2086 # several processes
  wait ${sledge_noting-} || true
  [ -e "$(sledge_noted "$1")" ] || return 0 # a ref of content: whoever writes it writes the same
  sledge_now=$(sledge_ask_beside sledge_inspect "$1") || return 0
  [ "$sledge_now" = "$(cat "$(sledge_noted "$1")")" ] \
    || sledge_say "$sledge_what: another build has written it meanwhile; layers of its that this one lacks are found no more"
}

# BuildKit writes what it will not read (its importer's limit, cache/remotecache/import.go, readBlob). A step takes some
# 2 kB of the description, so that few have to be looked at. $1: reference
sledge_check_size() {
  [ "$sledge_all" -ge 100 ] || return 0
  sledge_ask_beside sledge_imagetools inspect --raw "$1" >"$sledge_dir/manifest" || return 0
  for sledge_size in $(wc -c <"$sledge_dir/manifest") $(tr -d ' \n' <"$sledge_dir/manifest" \
    | sed -n 's/.*vnd\.buildkit\.cacheconfig\.v0","digest":"[^"]*","size":\([0-9]*\).*/\1/p'); do
    [ "$sledge_size" -le 1048576 ] \
      || sledge_say "$sledge_what will not be read, it has a description of $sledge_size bytes: $sledge_too_large"
  done
}
