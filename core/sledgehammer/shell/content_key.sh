# shellcheck disable=SC2034,SC2154 # sledge_dir and sledge_platform come from the script, sledge_key goes to it
# The key that sledgehammer.context.content_key makes from a commit, made from this job's files. Names of files may
# hold anything but a line break; of a mode only "executable or not" counts, whatever the umask.

# $1: image, $2: why it has no key
sledge_no_content_key() {
  sledge_key=
  sledge_say "image $1: no content key: $2"
}

# $1: image, $2: context, $3: Dockerfile, $4: its SHA-256, $5: that of the ignore file or "-", $6: number of base
# images, $7: head of the canonical text, $8: awk functions made of the patterns, $9: why there is no key where a link may
# lead into .git, $10: lines "REFERENCE DIGEST"
sledge_content_key() {
  sledge_key=
  rm -rf "$sledge_dir/key"
  if ! sledge_is_planned_platform "$7"; then
    sledge_no_content_key "$1" "this job builds for $sledge_platform, not for the platform in sledge.yaml"
    sledge_list_used_files "$2" "$8"
  elif [ "$(sledge_sha256 "$3")" != "$4" ]; then
    sledge_no_content_key "$1" "the Dockerfile changed since sledge apply"
  elif [ "$(sledge_sha256 "$(sledge_ignore_file "$2" "$3")")" != "$5" ]; then
    sledge_no_content_key "$1" "the ignore file changed since sledge apply"
  elif ! printf '%s\n' "${10}" | sledge_known_bases "$6"; then
    sledge_no_content_key "$1" "the digest of a base image is not known"
  elif [ -n "$(find "$2" -name '*
*' -print)" ]; then
    sledge_no_content_key "$1" "a file's name has a line break"
  else
    mkdir "$sledge_dir/key"
    sledge_key=$(sledge_make_key "$2" "$7" "$8" "${10}") \
      || sledge_no_content_key "$1" "a file of the context cannot be read"
    [ ! -f "$sledge_dir/key/linked" ] || sledge_no_content_key "$1" "$9"
  fi
}

# $1: context, $2: awk functions; for the record of a build that has no key
sledge_list_used_files() {
  rm -rf "$sledge_dir/key"
  mkdir "$sledge_dir/key"
  (sledge_make_key "$1" '' "$2" '') >/dev/null || rm -rf "$sledge_dir/key"
}

# $1: file; "-" for none
sledge_sha256() {
  if [ -f "$1" ]; then sha256sum <"$1" | cut -c1-64; else echo -; fi
}

# $1: context, $2: Dockerfile
sledge_ignore_file() {
  if [ -f "$2.dockerignore" ]; then printf '%s\n' "$2.dockerignore"; else printf '%s\n' "$1/.dockerignore"; fi
}

# $1: how many base images must have a digest
sledge_known_bases() {
  awk -v wanted="$1" '/^[^ ]+ sha256:[0-9a-f]+$/ { known++ } END { exit known + 0 != wanted }'
}

# $1: context, $2: head, $3: awk functions, $4: base images
sledge_make_key() {
  LC_ALL=C
  export LC_ALL
  sledge_list_context "$1" | awk -v linked="$sledge_dir/key/linked" "$3"'
    function matched_by(path,  folder, above, ignored, found, hit, i) {
      if (path in folders) return folders[path]
      if (match(path, /\057[^\057]*$/)) {
        folder = substr(path, 1, RSTART - 1)
        above = matched_by(folder)
        folders[folder] = above
      }
      for (i = 1; i <= length(exceptions); i++) {
        hit = substr(above, i, 1) == 1 || (substr(exceptions, i, 1) == ignored + 0 && matches(i, path))
        if (hit) ignored = 1 - substr(exceptions, i, 1)
        found = found (hit ? 1 : 0)
      }
      return found
    }
    function is_ignored(path,  found, i, ignored) {
      found = matched_by(path)
      for (i = 1; i <= length(exceptions); i++) if (substr(found, i, 1) == 1) ignored = 1 - substr(exceptions, i, 1)
      return ignored
    }
    {
      path = substr($0, index($0, " ") + 1)
      if (is_ignored(path)) next
      sent[++count] = $0
      used[count] = is_used(path)
      if ($1 == "symlink" && is_followed(path)) everything = 1
    }
    END {
      for (i = 1; i <= count; i++) if (everything || used[i]) print sent[i]
      if (everything && sends_git) print "" >linked
    }
  ' >"$sledge_dir/key/used" || return 1
  sed -n 's|^[er][a-z]* |./|p' "$sledge_dir/key/used" >"$sledge_dir/key/names"
  (cd "$1" && tr '\n' '\0' <"$sledge_dir/key/names" | xargs -0 -r sha256sum) >"$sledge_dir/key/sums" || return 1
  {
    printf '%s' "$2"
    [ -z "$4" ] || printf '%s\n' "$4" | sed 's/^/base /' | sort
    { sledge_file_lines && sledge_link_lines "$1"; } | sort
  } >"$sledge_dir/key/text"
  sledge_used=$(wc -l <"$sledge_dir/key/used")
  sledge_written=$(awk '/^(executable|regular|symlink) / && length($2) == 64 { lines++ } END { print lines + 0 }' \
    "$sledge_dir/key/text")
  [ "$sledge_used" -eq "$sledge_written" ] || return 1
  sledge_sha256 "$sledge_dir/key/text"
}

# $1: context; its files as lines "KIND PATH"
sledge_list_context() {
  (
    cd "$1" || exit 1
    find . -path ./.git -prune -o -type f -perm -100 -print | sed 's|^\./|executable |'
    find . -path ./.git -prune -o -type f ! -perm -100 -print | sed 's|^\./|regular |'
    find . -path ./.git -prune -o -type l -print | sed 's|^\./|symlink |'
  )
}

# Sums come in the order of the names; before a name that it escapes, sha256sum puts a backslash.
sledge_file_lines() {
  sed 's/^\\//' "$sledge_dir/key/sums" | cut -c1-64 >"$sledge_dir/key/digests"
  awk -v digests="$sledge_dir/key/digests" '$1 != "symlink" {
    if ((getline digest <digests) <= 0) exit 1
    print $1 " " digest " " substr($0, index($0, " ") + 1)
  }' "$sledge_dir/key/used"
}

# $1: context
sledge_link_lines() {
  sed -n 's/^symlink //p' "$sledge_dir/key/used" | while IFS= read -r sledge_name; do
    sledge_target=$(readlink "$1/$sledge_name" && echo .) # with its line breaks, and one more
    printf 'symlink %s %s\n' "$(printf %s "${sledge_target%?.}" | sha256sum | cut -c1-64)" "$sledge_name"
  done
}
