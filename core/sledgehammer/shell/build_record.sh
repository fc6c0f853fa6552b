# shellcheck disable=SC2154 # sledge_dir comes from the script
# The record of a build for `sledge why`, as sledgehammer.explain.record reads it.

# $1: folder to make, $2: BuildKit's plain progress, $3: first lines, $4: commit, $5: context, $6: Dockerfile,
# $7: lines "REFERENCE DIGEST"; sledge_content_key has listed the files, if it could
sledge_write_record() {
  rm -rf "$1"
  mkdir -p "$1"
  cp "$6" "$1/Dockerfile"
  sledge_ignore=$(sledge_ignore_file "$5" "$6")
  if [ -f "$sledge_ignore" ]; then cp "$sledge_ignore" "$1/ignore"; fi
  {
    printf '%s' "$3"
    printf 'commit %s\n' "$4"
    [ -z "$7" ] || printf '%s\n' "$7" | sed 's/^/base /'
  } >"$1/build"
  if [ -f "$sledge_dir/key/text" ]; then sledge_files_with_modes "$5" >"$1/files"; fi
  sledge_excerpt_progress <"$2" >"$1/progress"
}

# $1: context; modes come in the order of the names, which is that of the listing without its links
sledge_files_with_modes() {
  (cd "$1" && tr '\n' '\0' <"$sledge_dir/key/names" | xargs -0 -r stat -c %a) >"$sledge_dir/key/modes"
  LC_ALL=C awk -v modes="$sledge_dir/key/modes" -v text="$sledge_dir/key/text" '
    $1 != "symlink" { getline mode <modes; known[substr($0, index($0, " ") + 1)] = mode }
    END {
      while ((getline line <text) > 0) if (line ~ /^(executable|regular|symlink) /) {
        split(line, word, " ")
        path = substr(line, length(word[1]) + length(word[2]) + 3)
        print word[1] " " (word[1] == "symlink" ? "777" : known[path]) " " word[2] " " path
      }
    }
  ' "$sledge_dir/key/used"
}

# Steps up to their keyword, for commands may hold values of arguments; never a line of output, which has its seconds
# before it. What follows a "?" in a message of the cache import may be a signature.
sledge_excerpt_progress() {
  awk '
    /^#[0-9]+ \[([^]]* )?[0-9]+\/[0-9]+\] [A-Z]+/ {
      match($0, /\] [A-Z]+/)
      if (!($1 in step)) print substr($0, 1, RSTART + RLENGTH - 1)
      step[$1] = 1
      next
    }
    /^#[0-9]+ importing cache manifest from / { imported[$1] = 1; print; next }
    $1 in step && /^#[0-9]+ (sha256:[0-9a-f]+ [0-9]|extracting sha256:)/ { if (!fetched[$1]++) print $1 " FETCHED"; next }
    ($1 in step || $1 in imported) && /^#[0-9]+ (CACHED$|DONE [0-9.]+s$)/ { print; next }
    $1 in step && /^#[0-9]+ ERROR/ { print $1 " ERROR"; next }
    $1 in imported && /^#[0-9]+ ERROR/ { gsub(/\?[^ ]*/, "?"); print }
  '
}

# Looks, beside the build, for the record that is the newest when it begins. $1: the branch's, $2: the default branch's
sledge_note_record() {
  for sledge_earlier in "$@"; do
    if sledge_found=$(sledge_ask_beside sledge_inspect "$sledge_earlier"); then
      printf 'before %s\n' "$sledge_found"
      break
    fi
  done >"$sledge_dir/before" &
  sledge_noting_record=$!
}

# $1: image, $2: the branch's newest record, $3: cache repository, $4: id of this run or ""
sledge_push_record() {
  cat "$sledge_dir/before" >>"$sledge_dir/record/build"
  printf 'FROM scratch\nCOPY . /\n' >"$sledge_dir/record.dockerfile"
  set -- "$1" --tag "$2" ${4:+--tag "$3:record_run_$(sledge_run_tag "$4")"}
  sledge_image=$1
  shift
  timeout 60 docker buildx --builder "$sledge_builder" build --progress plain --provenance=false \
    --file "$sledge_dir/record.dockerfile" --output "$sledge_output" "$@" -- "$sledge_dir/record" \
    >"$sledge_dir/record.out" 2>&1 \
    || sledge_say "image $sledge_image: build record not kept, the build goes on:" \
      "$(sledge_explain cache "$(sledge_last_line "$sledge_dir/record.out")")"
}

# $1: id of a run; what a tag may hold of it, as sledgehammer.registry.records has it
sledge_run_tag() { printf %s "$1" | tr -c 'A-Za-z0-9_.-' - | tail -c 100; }
