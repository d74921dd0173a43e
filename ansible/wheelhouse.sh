#!/bin/sh
# wheelhouse.sh OUT.tar.gz [PYTHON] [run|loadgen]: all packages that a host needs, installed and compiled, as
# app_wheelhouse (run) and loadgen_wheelhouse want them: hosts unpack it and are done.
# Run it where the hosts' own Python is (the same distribution and processor), with gcc, pkg-config,
# the headers of Python and of MariaDB's client (libmariadb-dev), and a way to PyPI: a build host, a chroot, a container.
# Its contents are in a folder VERSION-PINS, so a host with another Python, or a release with other pins, refuses it.
set -eu
out=$(realpath -m "$1") python=${2:-python3} what=${3:-run}
pins=$(cd "$(dirname "$0")/../requirements" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$python" -m venv "$work/venv"
version=$("$work/venv/bin/python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
# named FILE…: where the packages of these pins stand in the archive.
named() { (cd "$pins" && echo "$version-$(cat "$@" | sha256sum | cut -c-12)"); }
# install FOLDER FILE…: compiled as well; programs, which would name this folder, are called by `python -m`.
install() {
  into=$1 && shift
  for file; do set -- "$@" --requirement "$pins/$file" && shift; done
  "$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --target "$into" "$@"
  rm -rf "$into/bin"
}
run() {
  # Hosts have MariaDB's library. By itself mysqlclient takes MySQL's where that is installed, as on Ubuntu.
  if pkg-config --exists libmariadb; then client=libmariadb; else client=mariadb; fi
  MYSQLCLIENT_CFLAGS=$(pkg-config --cflags $client) MYSQLCLIENT_LDFLAGS=$(pkg-config --libs $client)
  export MYSQLCLIENT_CFLAGS MYSQLCLIENT_LDFLAGS
  top=$(named mysql.txt run.txt tracing.txt)
  install "$work/$top/site" run.txt mysql.txt
  install "$work/$top/traced" tracing.txt
}
loadgen() {
  top=$(named loadgen.txt)
  install "$work/$top/site" loadgen.txt
}
"$what"
mkdir -p "$(dirname "$out")"
tar -C "$work" -czf "$out" "$top"
echo "Wrote $top to $out." >&2
