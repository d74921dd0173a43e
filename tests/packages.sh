#!/bin/sh
# packages.sh [containers]: install the Debian/Ubuntu packages that the tests (or the test of the
# containers) need and this machine lacks.
set -eu
missing=""
need() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || missing="$missing $2"; }
for_tests() {
  need redis-server redis-server
  need mariadbd mariadb-server-core
  need mariadb-install-db mariadb-server-core
  need mariadb mariadb-client-core
  need gcc "gcc libc6-dev"
  need pkg-config pkg-config
  need wrk wrk
  need haproxy haproxy
  need ssh-keygen openssh-client
  need promtool prometheus
  need prometheus-node-exporter prometheus-node-exporter
  need chromium chromium
  need curl curl
  need gpg gpg
  need gpg-agent gpg-agent # makes the keys of tests
  need systemd-analyze systemd
  [ -e /usr/share/zoneinfo/Europe/Berlin ] || missing="$missing tzdata" # for a server in that zone
  if [ "$(id -u)" = 0 ]; then # the rehearsal's network; without root its tests are skipped anyway
    need ip iproute2
    need nft nftables
  fi
  pkg-config --exists mysqlclient 2>/dev/null || pkg-config --exists mariadb 2>/dev/null ||
    missing="$missing default-libmysqlclient-dev"
  python=$(command -v "${PYTHON:-python3}")
  header=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h
  [ -e "$header" ] || missing="$missing python3-dev"
}
for_containers() {
  need podman podman
  need buildah buildah
  need crun crun
  need mmdebstrap mmdebstrap
  need ip iproute2
  need iptables iptables # netavark's
  [ -x /usr/lib/podman/netavark ] || missing="$missing netavark"
  [ -x /usr/lib/podman/aardvark-dns ] || missing="$missing aardvark-dns"
  [ -x /usr/libexec/podman/catatonit ] || missing="$missing catatonit"
}
"for_${1:-tests}"

[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "The tests need these packages, please install them:$missing" >&2
  exit 1
fi
echo "Installing$missing …" >&2
apt-get update -qq
# RUNLEVEL: the packages must not start servers of their own.
# shellcheck disable=SC2086
RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
  -o Dpkg::Use-Pty=0 $missing >/dev/null
