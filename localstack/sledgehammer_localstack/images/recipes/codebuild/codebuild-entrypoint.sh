#!/bin/sh
# In a privileged build the standard images start Docker before the build's commands run; else there is none.
# https://docs.aws.amazon.com/codebuild/latest/userguide/sample-docker-custom-image.html
set -eu

has_sys_admin() {
  mask=$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)
  [ $((0x$mask >> 21 & 1)) = 1 ]
}

if has_sys_admin; then
  dockerd-entrypoint.sh dockerd --host=unix:///var/run/docker.sock >/var/log/dockerd.log 2>&1 &
  tries=0
  until docker info >/dev/null 2>&1; do
    tries=$((tries + 1))
    if [ "$tries" -gt 300 ]; then
      echo 'codebuild: the Docker daemon did not come up within 30 s:' >&2
      tail -n 20 /var/log/dockerd.log >&2
      exit 1
    fi
    sleep 0.1
  done
fi
exec "$@"
