# $1: auto, engine, container or remote; for a remote builder its endpoint and the names of the variables with CA,
# certificate and key. A builder in a container cannot take TLS settings from the environment, only from a context
# (docker/buildx#413).
sledge_select_builder() {
  case $1 in
    auto) if sledge_engine_exports; then sledge_kind=engine; else sledge_kind=container; fi ;;
    *) sledge_kind=$1 ;;
  esac
  sledge_name=sledge-$$
  case $sledge_kind in
    engine) ;;
    container)
      if docker context create "$sledge_name-engine" >/dev/null 2>"$sledge_dir/builder" \
        && docker buildx create --name "$sledge_name" --driver docker-container --bootstrap "$sledge_name-engine" \
          >/dev/null 2>"$sledge_dir/builder"; then
        sledge_builder=$sledge_name
      elif [ "$1" = auto ]; then
        sledge_say "no BuildKit of its own could be started, so the engine's builds and writes no cache:" \
          "$(tail -n 1 "$sledge_dir/builder")"
      else
        sledge_fail "builder container: BuildKit could not be started: $(tail -n 1 "$sledge_dir/builder")"
      fi
      ;;
    remote)
      sledge_options=$(sledge_pem_option cacert "$3")$(sledge_pem_option cert "$4")$(sledge_pem_option key "$5")
      if docker buildx create --name "$sledge_name" --driver remote ${sledge_options:+--driver-opt "${sledge_options%,}"} \
        --bootstrap "$2" >/dev/null 2>"$sledge_dir/builder"; then
        sledge_builder=$sledge_name
      else
        sledge_fail "builder remote: BuildKit at $2 does not answer: $(tail -n 1 "$sledge_dir/builder")"
      fi
      ;;
  esac
  sledge_say "builder: $sledge_kind"
}

# $1: option of the remote driver, $2: name of a variable with PEM text or the path of a PEM file, or ""
sledge_pem_option() {
  [ -n "$2" ] || return 0
  sledge_pem=
  eval "sledge_pem=\${$2-}"
  case $sledge_pem in
    '') sledge_say "builder remote: the variable $2 is not set" >&2 ;;
    -----BEGIN*)
      (umask 077 && printf '%s\n' "$sledge_pem" >"$sledge_dir/$1.pem")
      printf '%s=%s,' "$1" "$sledge_dir/$1.pem"
      ;;
    *) printf '%s=%s,' "$1" "$sledge_pem" ;;
  esac
}
