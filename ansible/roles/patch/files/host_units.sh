#!/bin/sh
# host_units.sh waiting: prints a line for each thing that there is to do on this host, and nothing if it is up to date.
# host_units.sh start SECONDS: restarts stores and the front if they use files that were replaced, then starts all of our
# units. Fails if one of them is not active within that time.
set -eu

units() { systemctl list-unit-files --no-legend --state=enabled "$@" | cut -d' ' -f1; }

# uses_replaced UNIT: whether a process of it has loaded a file of /usr that was replaced since.
uses_replaced() {
  for process in $(cat /sys/fs/cgroup/system.slice/"$1"/cgroup.procs \
    /sys/fs/cgroup/systemd/system.slice/"$1"/cgroup.procs 2>/dev/null); do
    if grep -qs ' /usr/.* (deleted)$' "/proc/$process/maps"; then return 0; fi
  done
  return 1
}

stopped() {
  for unit in $(units 'coupon-*.service' haproxy.service); do
    systemctl --quiet is-active "$unit" || echo "$unit"
  done
}

waiting() {
  planned=$(apt-get -s -o Debug::NoLocking=1 --with-new-pkgs upgrade)
  echo "$planned" | sed -n 's/^Inst \([^ ]*\).*/update \1/p'
  if [ -e /run/reboot-required ]; then echo reboot; fi
  for unit in $(units 'coupon-*.service' haproxy.service redis-server.service mariadb.service); do
    if uses_replaced "$unit"; then echo "restart $unit"; fi
  done
  # By a run that was killed.
  for unit in $(stopped); do echo "start $unit"; done
}

start() {
  until=$(($(date +%s) + $1))
  for unit in $(units redis-server.service mariadb.service haproxy.service); do
    if uses_replaced "$unit"; then systemctl restart "$unit"; fi
  done
  while missing=$(stopped) && [ -n "$missing" ]; do
    if [ "$(date +%s)" -gt "$until" ]; then
      echo "not active: $missing" >&2
      exit 1
    fi
    systemctl start $missing || true
    sleep 1
  done
}

"$@"
