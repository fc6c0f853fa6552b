#!/bin/sh
# Make this container fit for containers of its own, then become the given program.
# The same as `dind` of the moby project: https://github.com/moby/moby/blob/master/hack/dind
set -eu
export container=docker

if [ -d /sys/kernel/security ] && ! mountpoint -q /sys/kernel/security; then
  mount -t securityfs none /sys/kernel/security 2>/dev/null \
    || echo 'dind: cannot mount /sys/kernel/security; AppArmor detection may fail' >&2
fi
# cgroup v2: a group with processes cannot delegate controllers, so everything moves one level down first
# (kernel documentation, cgroup-v2, "No Internal Process Constraint").
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
  mkdir -p /sys/fs/cgroup/init
  xargs -rn1 </sys/fs/cgroup/cgroup.procs >/sys/fs/cgroup/init/cgroup.procs 2>/dev/null || :
  sed -e 's/ / +/g' -e 's/^/+/' </sys/fs/cgroup/cgroup.controllers >/sys/fs/cgroup/cgroup.subtree_control || :
fi
mount --make-rshared /
exec "$@"
