# Who may write a cache. $1: image, $2: what, $3: its ref, $4: the ref that every branch reads, $5: "true" on a protected
# branch, $6: this project, $7: the project that the cache is for
sledge_may_write() {
  if [ "$6" != "$7" ]; then
    sledge_say "image $1: $2 not written: $6 is a fork of $7 and only reads its cache"
    return 1
  fi
  if [ "$3" = "$4" ] && [ "$5" != true ]; then
    sledge_say "image $1: $2 not written: every branch reads it, and this branch is not protected"
    return 1
  fi
}

# $1: image, $2: what is written, $3: seconds that all caches of the image may take together
sledge_begin_export() {
  sledge_what="image $1: $2"
  sledge_limit=$3
  if [ -n "${sledge_no_export-}" ]; then # what the plan could not know of this engine
    sledge_say "$sledge_what not written: $sledge_no_export"
    return 1
  fi
  if [ "$sledge_ran" -eq 0 ]; then
    sledge_say "$sledge_what not written: every step was cached, so there is nothing new"
    return 1
  fi
  if sledge_copied_little; then
    sledge_say "$sledge_what not written: all that ran copies less than 1 MB, which takes a build no longer than to find it"
    return 1
  fi
  sledge_started=$(date +%s)
  [ -n "${sledge_export_ends-}" ] || sledge_export_ends=$((sledge_started + $3))
  if [ "$sledge_started" -ge "$sledge_export_ends" ]; then
    sledge_say "$sledge_what not written: the $3 s are over that the caches of an image may take (cache: export_timeout_s)"
    return 1
  fi
}

# Whether only steps ran that copy from the context, all of it small, into layers of their own (--link): they need nothing
# below them to be fetched or unpacked, and to write a cache takes longer than they do. An image that is not found by its
# content is to have the same digest when nothing changed, so its copies are kept.
sledge_copied_little() {
  [ -n "${sledge_key_reference-}" ] && [ "${SLEDGE_NO_SKIP-}" != true ] && awk '
    /^#[0-9]+ transferring context: / { if ($4 !~ /^[0-9.]+k?B$/) large = 1; sent = 1 }
    /^#[0-9]+ \[([^]]* )?[0-9]+\/[0-9]+\] / && !/^#[0-9]+ \[[^]]*\] FROM / {
      for (word = 2; $word !~ /\]$/; word++) { }
      is_link = 0
      if ($(++word) == "COPY") while ($(++word) ~ /^--/) {
        if ($word ~ /^--link(=true)?$/) is_link = 1
        if ($word ~ /^--from=/) { is_link = 0; break }
      }
      ran[$1] = is_link
    }
    /^#[0-9]+ (CACHED|sha256:[0-9a-f]+ [0-9]|extracting sha256:)/ { cached[$1] = 1 }
    END {
      for (step in ran) if (!(step in cached)) { all++; small += ran[step] }
      exit !(sent && !large && all && small == all)
    }
  ' "$sledge_dir/progress"
}

# What is run here fails no build and ends in time; upon SIGTERM BuildKit stops cleanly.
sledge_bounded() {
  sledge_code=0
  sledge_left=$((sledge_export_ends - $(date +%s)))
  [ "$sledge_left" -gt 0 ] || sledge_left=1
  timeout "$sledge_left" "$@" >"$sledge_dir/export" 2>&1 &
  echo "$!" >"$sledge_dir/bounded" || true
  wait "$!" || sledge_code=$?
}

sledge_end_export() {
  sledge_took=$(($(date +%s) - sledge_started))
  if [ "$sledge_code" -eq 0 ]; then
    sledge_say "$sledge_what written in $sledge_took s"
  elif [ "$(date +%s)" -ge "$sledge_export_ends" ]; then
    sledge_say "$sledge_what not written: cut off after $sledge_took s, for the caches of an image may take $sledge_limit s" \
      "(cache: export_timeout_s); the build goes on"
  else
    sledge_say "$sledge_what not written, the build goes on:" \
      "$(sledge_explain cache "$(sledge_last_line "$sledge_dir/export")")"
  fi
  return "$sledge_code"
}
