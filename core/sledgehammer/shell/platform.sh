# Sets sledge_platform to what this job builds for, as BuildKit writes it. It is asked before there is an engine, which runs
# on the job's own machine; DOCKER_DEFAULT_PLATFORM is docker's. $1: what the remote builder builds for, or ""
sledge_find_platform() {
  sledge_machine=$(uname -m)
  case $sledge_machine in
    x86_64) sledge_machine=amd64 ;;
    aarch64) sledge_machine=arm64 ;;
    armv[67]*) sledge_machine=arm/$(printf %s "$sledge_machine" | cut -c4-5) ;;
    i?86) sledge_machine=386 ;;
  esac
  sledge_platform=${DOCKER_DEFAULT_PLATFORM:-${1:-linux/$sledge_machine}}
}

# Whether the job builds for the platform that its script was made for. $1: head of a canonical text
sledge_is_planned_platform() {
  case $1 in
    *"
platform $sledge_platform
"*) ;;
    *) return 1 ;;
  esac
}
