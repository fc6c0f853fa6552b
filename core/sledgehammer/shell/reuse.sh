# Asks registries, not an engine: with the job's credentials, and within 20 seconds. $1: subcommand; its arguments. What
# goes wrong is in a file that whoever asks beside others names: $sledge_imagetools_errors.
sledge_imagetools() {
  DOCKER_CONFIG=$sledge_dir/registry BUILDX_CONFIG=$sledge_dir/docker/buildx \
    timeout 20 docker buildx imagetools "$@" 2>"${sledge_imagetools_errors:-$sledge_dir/imagetools}"
}

# $1: reference; prints the digest of what is there. Only --raw fetches that manifest and nothing else: whatever has to fill a
# template reads all platforms' manifests and configurations before, and of a cache every layer.
sledge_inspect() {
  sledge_raw=$(sledge_imagetools inspect --raw "$1" && echo .) || return 1
  printf 'sha256:'
  printf %s "${sledge_raw%.}" | sha256sum | cut -c1-64
}

# Whether an image of the same content has been found and tagged. Sets sledge_key_reference to the tag under which the
# image is to be found later, or to nothing.
# $1: image, $2: repository, $3: tag, $4: branch, $5: "true" on a protected branch, $6: this project, $7: the project that
# images are for, $8: mutable or immutable
sledge_reuse() {
  sledge_key_reference=
  [ -n "$sledge_key" ] || return 1
  sledge_shared=$2:key-$(printf %s "$sledge_key" | cut -c1-32)
  if [ "$5" = true ] && [ "$6" = "$7" ]; then sledge_own=$sledge_shared; else sledge_own=$sledge_shared-$4; fi
  sledge_key_reference=$sledge_own
  if [ "${SLEDGE_NO_SKIP-}" = true ]; then
    [ "$8" = mutable ] || sledge_key_reference=
    sledge_say "image $1: built whatever the registry holds, as SLEDGE_NO_SKIP asks"
    return 1
  fi
  for sledge_candidate in "$sledge_shared" "$sledge_own"; do
    if sledge_found=$(sledge_inspect "$sledge_candidate") && sledge_retag "$2" "$3" "$sledge_found"; then
      sledge_say "image $1: already built, tagged $2@$sledge_found"
      return 0
    fi
    [ "$sledge_shared" != "$sledge_own" ] || break
  done
  sledge_say "image $1: no image of this content yet"
  return 1
}

# The image that was just pushed is found by its content from now on.
# $1: image, $2: repository, $3: the number of each stage's last step by the Dockerfile, as "STAGE=NUMBER …"
sledge_keep_key() {
  [ -n "$sledge_key_reference" ] || return 0
  if ! sledge_has_no_more_steps "$3" <"$sledge_dir/progress"; then
    sledge_say "image $1: not kept under its content: a base image's ONBUILD brings steps of its own"
    return 0
  fi
  sledge_made=$(sledge_imagetools inspect --format '{{.Image.OS}}/{{.Image.Architecture}}' "$2@$sledge_digest") \
    || sledge_made="an unknown platform"
  case $sledge_platform/ in
    "$sledge_made"/*) sledge_tag "$2" "${sledge_key_reference##*:}" "$sledge_digest" || true ;;
    *) sledge_say "image $1: not kept under its content: it is for $sledge_made, this job for $sledge_platform" ;;
  esac
}

# Whether no stage of a build has a step with a higher number. ONBUILD counts before the stage's own steps, so equal steps of
# several stages, which are told once, hide none. The only stage of a Dockerfile is told without its name. $1: as above
sledge_has_no_more_steps() {
  awk -v steps="$1" '
    BEGIN {
      for (i = split(steps, pair, " "); i > 0; i--) {
        split(pair[i], part, "=")
        only = part[1]
        last[only] = part[2]
      }
    }
    /^#[0-9]+ \[([^]]* )?[0-9]+\/[0-9]+\] / {
      label = substr($0, index($0, "[") + 1)
      words = split(substr(label, 1, index(label, "]") - 1), word, " ")
      stage = words > 1 && word[words - 1] !~ /\// ? tolower(word[words - 1]) : only
      split(word[words], number, "/")
      if (!(stage in last) || number[1] + 0 > last[stage] + 0) more = 1
    }
    END { exit more + 0 }
  '
}

# $1: repository, $2: tag, $3: digest
sledge_retag() {
  [ "$(sledge_inspect "$1:$2")" = "$3" ] || sledge_tag "$@"
}

# Buildx before 0.15 can only put the image, as it is, into an index of its own. $1: repository, $2: tag, $3: digest
sledge_tag() {
  sledge_imagetools create --prefer-index=false --tag "$1:$2" "$1@$3" >/dev/null && return 0
  if grep -q 'unknown flag: --prefer-index' "$sledge_dir/imagetools"; then
    sledge_imagetools create --tag "$1:$2" "$1@$3" >/dev/null && return 0
  fi
  sledge_say "$1@$3 could not be tagged: $(tail -n 1 "$sledge_dir/imagetools")"
  return 1
}
