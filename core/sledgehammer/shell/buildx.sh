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

# $1: image, $2: repository to push to, "" to load into the engine, $3: function that writes the caches or ""; the rest are
# arguments of docker buildx build
sledge_build() {
  sledge_image=$1
  sledge_repository=$2
  sledge_exports=$3
  shift 3
  if [ -n "$sledge_repository" ]; then
    sledge_output=${sledge_output:-$(sledge_push_output)}
    set -- --output "$sledge_output" "$@"
  else
    set -- --load "$@"
  fi
  if [ -n "${sledge_no_import-}" ]; then sledge_run_uncached "$@"; else sledge_run_build "$@"; fi
  sledge_report_imports "$sledge_image" <"$sledge_dir/progress"
  if [ "$(cat "$sledge_dir/code")" -ne 0 ] && sledge_fetch_failed "$sledge_dir/progress"; then
    sledge_say "image $sledge_image: a layer could not be fetched, so it is built once more, without any cache:" \
      "$(sledge_explain cache "$(sledge_last_line "$sledge_dir/progress")")"
    sledge_run_uncached "$@"
  fi
  sledge_demand_buildx
  sledge_demand_pushed "$sledge_image"
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

# The same without any cache to read
sledge_run_uncached() {
  sledge_left_out=
  for sledge_word in "$@"; do
    shift
    if [ "$sledge_word" = --cache-from ]; then
      sledge_left_out=next
    elif [ -n "$sledge_left_out" ]; then
      sledge_left_out=
    else
      set -- "$@" "$sledge_word"
    fi
  done
  sledge_run_build "$@"
}

# Arguments of docker buildx build
sledge_run_build() {
  sledge_end_exports
  rm -f "$sledge_dir/metadata" "$sledge_dir/code" "$sledge_dir/exported" "$sledge_dir/bounded"
  : >"$sledge_dir/progress"
  if [ -n "$sledge_exports" ]; then
    { "$sledge_exports" && : >"$sledge_dir/exported"; } >"$sledge_dir/exports" 2>&1 &
    sledge_exporting=$!
  fi
  {
    sledge_status=0
    docker buildx --builder "$sledge_builder" build --progress plain --metadata-file "$sledge_dir/metadata" "$@" 2>&1 \
      || sledge_status=$?
    echo "$sledge_status" >"$sledge_dir/code"
  } | tee "$sledge_dir/progress"
  case $(cat "$sledge_dir/code") in
    '' | *[!0-9]*)
      sledge_stop_exports
      sledge_fail "image $sledge_image: how the build ended could not be noted in $sledge_dir: is its disk full?"
      ;;
  esac
}

# Caches are written beside the push: as soon as all steps are done, which is when the image is exported, so that no step
# runs any more that their builds share with this one. Fails when the build did.
sledge_await_steps() {
  until tail -c 4096 "$sledge_dir/progress" | grep -Eq '^#[0-9]+ (exporting|pushing) '; do
    if [ -s "$sledge_dir/code" ]; then
      [ "$(cat "$sledge_dir/code")" -eq 0 ] || return 1
      break
    fi
    kill -0 "$$" || return 1 # the job's shell was killed
    sleep 0.1
  done
  # shellcheck disable=SC2046 # two numbers
  sledge_count "$sledge_image" $(sledge_count_steps <"$sledge_dir/progress") >/dev/null
}

# Where the build fails, too: what is written of it is found when the job runs again. $1: seconds to wait for that, or ""
sledge_end_exports() {
  [ -n "${sledge_exporting-}" ] || return 0
  sledge_waited=0
  [ -z "${sledge_is_cut-}" ] || sledge_stop_exports
  while [ -n "${1-}" ] && [ ! -e "$sledge_dir/exported" ] && [ -z "${sledge_is_stopped-}" ]; do
    if [ "$sledge_waited" -ge $(($1 * 5)) ]; then sledge_stop_exports; fi
    sledge_waited=$((sledge_waited + 1))
    sleep 0.2
  done
  wait "$sledge_exporting" || true
  sledge_exporting=
  cat "$sledge_dir/exports"
}

sledge_stop_exports() {
  [ -n "${sledge_exporting-}" ] || return 0
  sledge_is_stopped=1
  kill "$sledge_exporting" 2>/dev/null || true
  if [ -s "$sledge_dir/bounded" ]; then kill "$(cat "$sledge_dir/bounded")" 2>/dev/null || true; fi
}

sledge_demand_buildx() {
  if [ "$(cat "$sledge_dir/code")" -ne 0 ] \
    && grep -q -e "'buildx' is not a docker command" -e '^unknown flag: --builder' "$sledge_dir/progress"; then
    sledge_fail "this job's docker client has no buildx, which Docker $(cut -d ' ' -f 1 "$sledge_dir/facts") could use;" \
      "take an image such as docker:28.5-cli for the job, or say in sledge.yaml which version it has (docker: …)"
  fi
}

# $1: image
sledge_demand_pushed() {
  sledge_line=$(sledge_last_line "$sledge_dir/progress")
  case $(cat "$sledge_dir/code")$sledge_line in
    0*) ;;
    *'failed to push'*)
      sledge_fail "image $1: built, but not pushed; mend this and run the job again: $(sledge_explain image "$sledge_line")"
      ;;
  esac
}

# $1: image, $2: what is written, $3: seconds it may take, $4: folder to replace or "", $5: the registry's ref that is
# watched or ""; the rest are arguments of docker buildx build, which finds every step cached
sledge_export() {
  sledge_begin_export "$1" "$2" "$3" || return 0
  sledge_folder=$4
  sledge_ref=$5
  shift 5
  [ -z "$sledge_ref" ] || sledge_compare_ref "$sledge_ref"
  [ -z "$sledge_folder" ] || rm -rf "$sledge_folder.new"
  sledge_bounded docker buildx --builder "$sledge_builder" build --progress plain --provenance=false "$@"
  sledge_end_export || return 0
  [ -z "$sledge_ref" ] || sledge_check_size "$sledge_ref"
  [ -z "$sledge_folder" ] || { rm -rf "$sledge_folder" && mv "$sledge_folder.new" "$sledge_folder"; }
}
