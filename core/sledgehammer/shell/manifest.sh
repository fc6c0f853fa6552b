# For a docker client without buildx, which asks registries no more than "docker manifest inspect" does. It knows neither
# the mirror of the engine nor which registries speak plain HTTP, so the engine is asked for both.

# $1: reference; prints a digest of its manifest as docker prints it: not the registry's, but another with every change
sledge_inspect() {
  docker info --format "$sledge_registries" >"$sledge_dir/registries" 2>"$sledge_dir/imagetools" || return 1
  sledge_reference=$1
  sledge_plain=
  sledge_mirror=$(sed -n 's|/*$||; s/^mirror //p' "$sledge_dir/registries" | sed -n 1p)
  if [ -n "$sledge_mirror" ] && sledge_is_on_hub "$1"; then
    sledge_reference=${1#docker.io/}
    case $sledge_reference in */*) ;; *) sledge_reference=library/$sledge_reference ;; esac
    sledge_reference=${sledge_mirror#*://}/$sledge_reference
    case $sledge_mirror in http://*) sledge_plain=--insecure ;; esac
  fi
  if grep -qxF "plain ${sledge_reference%%/*}" "$sledge_dir/registries"; then sledge_plain=--insecure; fi
  DOCKER_CLI_EXPERIMENTAL=enabled timeout 20 docker manifest inspect ${sledge_plain:+"$sledge_plain"} "$sledge_reference" \
    >"$sledge_dir/manifest" 2>"$sledge_dir/imagetools" || return 1
  printf 'sha256:%s\n' "$(sledge_sha256 "$sledge_dir/manifest")"
}

sledge_registries='{{range .RegistryConfig.Mirrors}}mirror {{println .}}{{end}}'
sledge_registries=$sledge_registries'{{range $host, $is := .RegistryConfig.IndexConfigs}}'
sledge_registries=$sledge_registries'{{if not $is.Secure}}plain {{println $host}}{{end}}{{end}}'

# $1: reference; as docker reads it, a host has a dot or a port, or is localhost
sledge_is_on_hub() {
  case $1 in docker.io/*) return 0 ;; */*) ;; *) return 0 ;; esac
  case ${1%%/*} in *.* | *:* | localhost) return 1 ;; esac
}
