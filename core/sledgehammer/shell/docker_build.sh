sledge_hits=0
sledge_steps=0
sledge_pulled=

# $1: image; the rest are arguments of docker build. Adds the steps of the last stage to the count: with the classic
# builder, what is before has been counted as a stage of its own.
sledge_docker_build() {
  sledge_image=$1
  shift
  {
    sledge_status=0
    DOCKER_BUILDKIT=$sledge_buildkit BUILDKIT_PROGRESS=plain BUILDX_NO_DEFAULT_ATTESTATIONS=1 docker build "$@" 2>&1 \
      || sledge_status=$?
    echo "$sledge_status" >"$sledge_dir/code"
  } | tee "$sledge_dir/progress"
  sledge_demand_built "$sledge_image" "$(cat "$sledge_dir/code")"
  if [ "$sledge_buildkit" = 1 ]; then sledge_counter=sledge_count_steps; else sledge_counter=sledge_count_classic; fi
  # shellcheck disable=SC2046 # two numbers
  sledge_add $("$sledge_counter" <"$sledge_dir/progress")
}

sledge_add() {
  sledge_hits=$((sledge_hits + $1))
  sledge_steps=$((sledge_steps + $2))
}

# The classic builder's "Step 3/7 : RUN …", followed by " ---> Using cache" when it was. As with BuildKit only what makes
# a layer counts.
sledge_count_classic() {
  awk '
    /^Step [0-9]+\/[0-9]+ : / { makes_layer = $4 ~ /^(RUN|COPY|ADD|WORKDIR)$/; all += makes_layer }
    /^Step [0-9]+\/[0-9]+ : FROM / { hits = 0; all = 0 }
    /^ ---> Using cache/ { hits += makes_layer }
    END { printf "%d %d", hits, all }
  '
}

# $1: image
sledge_report_steps() {
  sledge_count "$1" "$sledge_hits" "$sledge_steps"
  sledge_hits=0
  sledge_steps=0
}

# $1: image, $2: tag
sledge_push() {
  docker push "$2" >"$sledge_dir/push" 2>&1 || {
    cat "$sledge_dir/push" >&2
    sledge_fail "image $1: built, but $2 could not be pushed; mend this and run the job again:" \
      "$(sledge_explain image "$(sledge_last_line "$sledge_dir/push")")"
  }
}

# $1: image, $2: its repository
sledge_report_push() {
  sledge_digest=$(sed -n 's/.* digest: \(sha256:[0-9a-f]*\) .*/\1/p' "$sledge_dir/push")
  [ -n "$sledge_digest" ] || sledge_fail "image $1: the registry reported no digest"
  sledge_say "image $1: pushed $2@$sledge_digest"
}

# $1: image to read as cache
sledge_pull() {
  docker pull --quiet "$1" >/dev/null 2>"$sledge_dir/pull" || sledge_say "no cache: $(tail -n 1 "$sledge_dir/pull")"
}

# What is kept under a stage's content stands for all that its branches hold. $1: the ref that every branch reads or "",
# $2: this branch's; the rest are those by branch
sledge_pull_stage() {
  for sledge_reference in "$1" "$2"; do
    [ -n "$sledge_reference" ] || break
    if docker pull --quiet "$sledge_reference" >/dev/null 2>"$sledge_dir/pull"; then
      sledge_pulled="$sledge_pulled $sledge_reference "
      return 0
    fi
    [ "$1" != "$2" ] || break
  done
  shift 2
  for sledge_reference in "$@"; do sledge_pull "$sledge_reference"; done
}

# $1: folder with saved images
sledge_load() {
  if [ -e "$1/images.tar" ]; then docker load --quiet --input "$1/images.tar" >/dev/null; else sledge_say "no cache: $1 is empty"; fi
}

# $1: image, $2: what, $3: seconds, $4: folder; the rest are images
sledge_save() {
  sledge_begin_export "$1" "$2" "$3" || return 0
  sledge_folder=$4
  shift 4
  mkdir -p "$sledge_folder"
  sledge_bounded docker save --output "$sledge_folder/images.tar.new" "$@"
  if sledge_end_export; then mv "$sledge_folder/images.tar.new" "$sledge_folder/images.tar"; fi
}

# $1: image, $2: what, $3: seconds, $4: the image of this engine, $5: its references as a cache, with commas between
sledge_push_stage() {
  sledge_begin_export "$1" "$2" "$3" || return 0
  for sledge_reference in $(printf %s "$5" | tr , ' '); do
    docker tag "$4" "$sledge_reference"
    sledge_bounded docker push "$sledge_reference"
    [ "$sledge_code" -eq 0 ] || break
  done
  sledge_end_export || true
}

# $1: image, $2: what, $3: seconds, $4: references with commas between; the rest are arguments of docker build
sledge_build_stage() {
  sledge_begin_export "$1" "$2" "$3" || return 0
  sledge_references=$(printf %s "$4" | tr , ' ')
  shift 4
  for sledge_reference in $sledge_references; do set -- --tag "$sledge_reference" "$@"; done
  sledge_bounded env DOCKER_BUILDKIT=1 docker build "$@"
  for sledge_reference in $sledge_references; do
    [ "$sledge_code" -ne 0 ] || sledge_bounded docker push "$sledge_reference"
  done
  sledge_end_export || true
}
