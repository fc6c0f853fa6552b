# shellcheck disable=SC2034,SC2154 # sledge_dir, sledge_bases and sledge_platform come from the script, sledge_names goes to it
# The content keys of stages. The files of the whole target are read once, by sledge_content_key or here; each stage then
# chooses its own of them.

sledge_forget_files() { rm -rf "$sledge_dir/key"; }

# $1: image, $2: context, $3: Dockerfile, $4: its SHA-256, $5: that of the ignore file or "-", $6: awk functions made of
# the target's patterns
sledge_list_for_stages() {
  sledge_stage_files=
  if [ "$(sledge_sha256 "$3")" != "$4" ]; then
    sledge_why="the Dockerfile changed since sledge apply"
  elif [ "$(sledge_sha256 "$(sledge_ignore_file "$2" "$3")")" != "$5" ]; then
    sledge_why="the ignore file changed since sledge apply"
  else
    [ -f "$sledge_dir/key/text" ] || sledge_list_used_files "$2" "$6"
    if [ -f "$sledge_dir/key/text" ]; then
      sledge_stage_files=$sledge_dir/key/text
      return 0
    fi
    sledge_why="a file of the context cannot be read"
  fi
  sledge_say "image $1: stages are kept by branch alone: $sledge_why"
}

# $1: head of the canonical text, $2: awk functions made of the stage's patterns; the rest are its base images. Sets
# sledge_stage_key, or fails where there is none.
sledge_key_stage() {
  sledge_stage_key=
  [ -n "$sledge_stage_files" ] || return 1
  if ! sledge_is_planned_platform "$1"; then
    sledge_say "stages are kept by branch alone: this job builds for $sledge_platform, not for the platform in sledge.yaml"
    sledge_stage_files=
    return 1
  fi
  sledge_head=$1
  sledge_program=$2
  shift 2
  sledge_stage_bases=$(sledge_bases_of "$@") || return 1
  sledge_stage_key=$(
    LC_ALL=C
    export LC_ALL
    {
      printf '%s' "$sledge_head"
      [ -z "$sledge_stage_bases" ] || printf '%s\n' "$sledge_stage_bases" | sort
      awk "$sledge_program"'
        /^(executable|regular|symlink) / && length($2) == 64 {
          path = substr($0, length($1) + length($2) + 3)
          line[++count] = $0
          used[count] = is_used(path)
          if ($1 == "symlink" && is_followed(path)) everything = 1
        }
        END { for (i = 1; i <= count; i++) if (everything || used[i]) print line[i] }
      ' "$sledge_stage_files"
    } | sha256sum | cut -c1-32
  )
}

# Base images; prints a line for each, fails where the digest of one is not known
sledge_bases_of() {
  for sledge_base in "$@"; do
    printf '%s\n' "$sledge_bases" | awk -v wanted="$sledge_base" '
      $1 == wanted && $2 ~ /^sha256:/ { print "base " $0; found = 1; exit }
      END { exit !found }
    ' || return 1
  done
}

# Whether what this job writes is read by all. $1: "true" on a protected branch, $2: this project, $3: the project that the
# cache is for
sledge_is_trusted() { [ "$1" = true ] && [ "$2" = "$3" ]; }

# Under which names a stage is written: its content's and its branch's; none where it was found whole under its content.
# $1 to $7: as in sledge_may_write, for the branch's; $8: stage, $9: the ref of its content that every branch reads or "",
# $10: that which this job writes
sledge_name_stage() {
  sledge_names=$3
  if [ -z "$9" ] || [ "$6" != "$7" ]; then
    sledge_may_write "$1" "$2" "$3" "$4" "$5" "$6" "$7"
    return
  fi
  for sledge_kept in "$9" "${10}"; do
    if sledge_is_whole "$1" "$8" "$sledge_kept"; then
      sledge_say "image $1: $2 not written: $sledge_kept holds it already"
      return 1
    fi
  done
  if [ "$3" = "$4" ] && [ "$5" != true ]; then sledge_names=${10}; else sledge_names=${10},$3; fi
}

# Whether a stage was read from a ref and no step of it ran all the same, as it does where the ref has lost layers or
# metadata. $1: image, $2: stage, $3: ref
sledge_is_whole() {
  if [ "${sledge_buildkit-1}" = 0 ]; then
    case ${sledge_pulled-} in *" $3 "*) ;; *) return 1 ;; esac
    [ "$(sledge_image_id "$3")" = "$(sledge_image_id "sledge-stage/$1:$2")" ]
    return
  fi
  awk -v stage="$2" -v ref="$3" '
    $2 == "importing" && $NF == ref { asked[$1] = 1 }
    $2 == "DONE" && $1 in asked { found = 1 }
    /^#[0-9]+ \[([^]]* )?[0-9]+\/[0-9]+\] / && !/^#[0-9]+ \[[^]]*\] FROM / {
      words = split(substr($0, 1, index($0, "]")), word, " ")
      sub(/^\[/, "", word[words - 1])
      if (word[words - 1] == stage) steps[$1] = 1
    }
    /^#[0-9]+ (CACHED|sha256:[0-9a-f]+ [0-9]|extracting sha256:)/ { cached[$1] = 1 }
    END { for (step in steps) if (!(step in cached)) exit 1; exit !found }
  ' "$sledge_dir/progress"
}

# $1: image of this engine; "" where there is none
sledge_image_id() { docker image inspect --format '{{.Id}}' "$1" 2>/dev/null || true; }
