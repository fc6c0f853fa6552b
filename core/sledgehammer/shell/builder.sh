# $1: auto, engine, container, container-for-cache or remote; for a remote builder its endpoint and the names of the variables with CA,
# certificate and key. A builder in a container cannot take TLS settings from the environment, only from a context
# (docker/buildx#413).
sledge_select_builder() {
  case $1 in
    auto) if sledge_engine_exports; then sledge_kind=engine; else sledge_kind=container; fi ;;
    container-for-cache) sledge_kind=container ;;
    *) sledge_kind=$1 ;;
  esac
  sledge_name=sledge-$$
  case $sledge_kind in
    engine)
      sledge_engine_exports || sledge_no_export="the engine's own builder writes none on this engine, for its image store is \
not containerd's; builder: container does"
      ;;
    container)
      if docker context create "$sledge_name-engine" >/dev/null 2>"$sledge_dir/builder" \
        && docker buildx create --name "$sledge_name" --driver docker-container --bootstrap "$sledge_name-engine" \
          >/dev/null 2>"$sledge_dir/builder"; then
        sledge_builder=$sledge_name
      else
        sledge_line="BuildKit could not be started: $(tail -n 1 "$sledge_dir/builder")"
        [ "$1" != container ] || sledge_fail "builder container: $sledge_line"
        sledge_no_export="no BuildKit of its own could be started, and the engine's writes none of this kind"
        sledge_say "builder container: $sledge_line; the build goes on by the engine's own"
        [ "$1" = auto ] || sledge_no_import=1
        sledge_kind=engine
      fi
      ;;
    remote)
      for sledge_variable in "$3" "$4" "$5"; do sledge_demand_set "$sledge_variable"; done
      sledge_options=$(sledge_pem_option cacert "$3")$(sledge_pem_option cert "$4")$(sledge_pem_option key "$5")
      # A buildkitd.default.toml, which tells builders in containers of a company's registries, makes buildx refuse a
      # remote builder, whose configuration is its keeper's. So this builder has a folder of its own.
      export BUILDX_CONFIG="$sledge_dir/remote"
      if docker buildx create --name "$sledge_name" --driver remote ${sledge_options:+--driver-opt "${sledge_options%,}"} \
        --bootstrap "$2" >/dev/null 2>"$sledge_dir/builder"; then
        sledge_builder=$sledge_name
      else
        # all that buildx tells is that it waited in vain, whatever TLS said
        sledge_fail "builder remote: no BuildKit at $2 that this job trusts and that trusts this job; check the address" \
          "and the variables of cache: remote: (${3:-no ca}, ${4:-no certificate}, ${5:-no key}):" \
          "$(tail -n 1 "$sledge_dir/builder")"
      fi
      ;;
  esac
  sledge_say "builder: $sledge_kind"
}

# On an engine that outlives the job its container and the layers in it would stay.
sledge_remove_builder() {
  [ "${sledge_kind-} $sledge_builder" = "container ${sledge_name-}" ] || return 0
  timeout 20 docker buildx rm --force "$sledge_name" >/dev/null 2>&1 || true
}

# $1: name of a variable, or ""
sledge_demand_set() {
  [ -n "$1" ] || return 0
  eval "sledge_pem=\${$1-}"
  [ -n "$sledge_pem" ] || sledge_fail "builder remote: the variable $1 is not set, or this branch may not have it"
}

# $1: option of the remote driver, $2: name of a variable with PEM text or the path of a PEM file, or ""
sledge_pem_option() {
  [ -n "$2" ] || return 0
  sledge_pem=
  eval "sledge_pem=\${$2-}"
  case $sledge_pem in
    -----BEGIN*)
      (umask 077 && printf '%s\n' "$sledge_pem" >"$sledge_dir/$1.pem")
      printf '%s=%s,' "$1" "$sledge_dir/$1.pem"
      ;;
    *) printf '%s=%s,' "$1" "$sledge_pem" ;;
  esac
}
