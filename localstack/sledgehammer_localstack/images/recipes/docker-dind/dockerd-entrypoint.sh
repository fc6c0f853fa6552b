#!/bin/sh
# Behaves as the entrypoint of Docker Hub's docker:dind: called with flags only it starts dockerd; with
# DOCKER_TLS_CERTDIR it makes a CA, server and client certificates there and listens on 2376, else on 2375.
# https://github.com/docker-library/docker/blob/master/dockerd-entrypoint.sh
set -eu

# $1: folder of the new certificate, $2: subject, $3: extensions
sign() {
  [ -s "$1/key.pem" ] || openssl ecparam -name prime256v1 -genkey -noout -out "$1/key.pem"
  openssl req -new -key "$1/key.pem" -subj "/CN=$2" -out "$1/csr.pem"
  printf '%s\n' "$3" >"$1/extensions.cnf"
  openssl x509 -req -in "$1/csr.pem" -CA "$certificates/ca/cert.pem" -CAkey "$certificates/ca/key.pem" \
    -CAcreateserial -days 825 -extfile "$1/extensions.cnf" -out "$1/cert.pem" 2>/dev/null
  cp "$certificates/ca/cert.pem" "$1/ca.pem"
}

alternative_names() {
  names="DNS:docker,DNS:localhost,DNS:$(hostname),IP:127.0.0.1,IP:::1"
  for address in $(hostname -I); do names="$names,IP:$address"; done
  echo "subjectAltName=$names${DOCKER_TLS_SAN:+,$DOCKER_TLS_SAN}"
}

make_certificates() {
  certificates=$DOCKER_TLS_CERTDIR
  mkdir -p "$certificates/ca" "$certificates/server" "$certificates/client"
  if [ ! -s "$certificates/ca/cert.pem" ]; then
    openssl ecparam -name prime256v1 -genkey -noout -out "$certificates/ca/key.pem"
    openssl req -new -x509 -key "$certificates/ca/key.pem" -subj '/CN=docker:dind CA' -days 825 \
      -addext basicConstraints=critical,CA:TRUE -out "$certificates/ca/cert.pem"
  fi
  sign "$certificates/server" docker:dind "$(alternative_names)"
  sign "$certificates/client" docker:dind-client 'extendedKeyUsage=clientAuth'
  chmod -R a+rX "$certificates/client"  # the job's container may run as another user
}

case "${1:-}" in
  '' | -*)
    if [ -n "${DOCKER_TLS_CERTDIR:-}" ]; then
      make_certificates
      server=$DOCKER_TLS_CERTDIR/server
      set -- --host=tcp://0.0.0.0:2376 --tlsverify --tlscacert "$server/ca.pem" --tlscert "$server/cert.pem" \
        --tlskey "$server/key.pem" "$@"
    else
      set -- --host=tcp://0.0.0.0:2375 --tls=false "$@"
    fi
    set -- dockerd --host=unix:///var/run/docker.sock "$@"
    ;;
esac
if [ "$1" = dockerd ]; then
  find /run /var/run -iname 'docker*.pid' -delete 2>/dev/null || :
  set -- tini -- nest-cgroups.sh "$@"
else
  set -- docker-entrypoint.sh "$@"
fi
exec "$@"
