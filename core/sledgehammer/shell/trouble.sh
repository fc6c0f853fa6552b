# What a registry's answer means, and what to do. $1: cache or image, which was to be written or read; $2: the answer
sledge_explain() {
  case $2 in
    *immutable*)
      if [ "$1" = cache ]; then
        sledge_advice="tags of that repository cannot be moved; give the cache one whose tags can: sledge apply does"
      else
        sledge_advice="that tag is there already and cannot be moved"
      fi
      ;;
    *'is too large ('*) sledge_advice=$sledge_too_large ;;
    *': 429 '* | *[Tt]oo[Mm]any[Rr]equests* | *TOOMANYREQUESTS*) sledge_advice="the registry asks to be asked less often" ;;
    *': 401 '* | *': 403 '* | *[Dd]enied* | *DENIED* | *nauthorized* | *insufficient_scope* | *'authorization failed'* | *'no basic auth'*)
      sledge_advice="this job's user has no right to that repository, or its password has expired"
      ;;
    *manifest*': 400 '* | *manifest*': 415 '*)
      if [ "$1" = cache ]; then
        sledge_advice="tags there cannot be moved, or it takes no cache of this form: sledge preflight tells"
      else
        sledge_advice="the registry takes no image of this form, or that tag is there already and cannot be moved"
      fi
      ;;
    *': 404 '* | *'does not exist'* | *'name unknown'* | *NAME_UNKNOWN*)
      sledge_advice="there is no such repository; sledge apply makes it"
      ;;
    *': 413 '*) sledge_advice="what stands before the registry takes no layer of that size" ;;
    *': 5'??' '* | *EOF | *'connection re'* | *'no such host'* | *'no route to host'* | *[Tt]imeout* | *'deadline exceeded'* \
      | *'broken pipe'* | *unreachable*)
      sledge_advice="the registry does not answer as it should"
      ;;
    *) sledge_advice= ;;
  esac
  printf '%s' "${sledge_advice:+$sledge_advice: }$2"
}

sledge_too_large="BuildKit reads no cache whose description is over 1 MiB; cache: {mode: min} or fewer steps make it smaller"

# The last line of a file that says something, without what BuildKit begins all of its last lines with
sledge_last_line() { grep -v '^ *$' "$1" | tail -n 1 | sed 's/^ERROR: //; s/^failed to build: //; s/^failed to solve: //'; }

# Caches that were asked for and could not be read; one that is not there is none. $1: image; BuildKit's progress comes
# by standard input
sledge_report_imports() {
  awk '
    /^#[0-9]+ importing cache manifest from / { from[$1] = $6; next }
    $1 in from && /^#[0-9]+ ERROR/ && !/: not found$/ {
      text = $0
      sub(/^#[0-9]+ ERROR:? */, "", text)
      print from[$1] " " text
    }
  ' | while IFS= read -r sledge_line; do
    sledge_say "image $1: cache ${sledge_line%% *} not read, the build goes on without it:" \
      "$(sledge_explain cache "${sledge_line#* }")"
  done
}

# Whether a build failed for a layer that could not be fetched, if only while it was pushed, not for one of its own steps
sledge_fetch_failed() {
  case $(sledge_last_line "$1") in
    *httpReadSeeker* | *'from remote: '*) ;;
    *'failed to push'*) return 1 ;;
    *'failed to copy: '* | *'failed to do request'* | *'unexpected status'* | *'operation error S3'*) ;;
    *) return 1 ;;
  esac
}
