#!/bin/sh
# Called with a configuration file it serves it, as Docker Hub's registry:2 does.
set -eu
case "$1" in
  *.yaml | *.yml) set -- registry serve "$@" ;;
  serve | garbage-collect | help | -*) set -- registry "$@" ;;
esac
exec "$@"
