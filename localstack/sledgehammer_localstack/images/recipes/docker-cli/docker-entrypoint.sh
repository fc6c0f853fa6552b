#!/bin/sh
# Behaves as the entrypoint of Docker Hub's docker:cli: docker's own subcommands work as the container's command,
# and the client finds the service `docker`, over TLS when that has left certificates.
# https://github.com/docker-library/docker/blob/master/docker-entrypoint.sh
set -eu

has_certificates() {
  [ -n "${DOCKER_TLS_CERTDIR:-}" ] \
    && [ -s "$DOCKER_TLS_CERTDIR/client/ca.pem" ] \
    && [ -s "$DOCKER_TLS_CERTDIR/client/cert.pem" ] \
    && [ -s "$DOCKER_TLS_CERTDIR/client/key.pem" ]
}

case "${1:-}" in
  -*) set -- docker "$@" ;;
  '' | help) ;;
  *) if docker help "$1" >/dev/null 2>&1; then set -- docker "$@"; fi ;;
esac

if [ -z "${DOCKER_HOST:-}" ] && [ ! -S /var/run/docker.sock ]; then
  if has_certificates || [ -n "${DOCKER_TLS_VERIFY:-}" ]; then
    export DOCKER_HOST=tcp://docker:2376
  else
    export DOCKER_HOST=tcp://docker:2375
  fi
fi
case "${DOCKER_HOST:-}" in
  tcp:*)
    if [ -z "${DOCKER_TLS_VERIFY:-}${DOCKER_CERT_PATH:-}" ] && has_certificates; then
      export DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH="$DOCKER_TLS_CERTDIR/client"
    fi
    ;;
esac
exec "$@"
