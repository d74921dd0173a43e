#!/bin/sh
# wheelhouse.sh OUT.tar [PYTHON] [run|loadgen]: all wheels that a host needs, as app_wheelhouse (run) and
# loadgen_wheelhouse want them.
# Run it where the hosts' own Python is (the same distribution and processor), with gcc, pkg-config,
# the headers of Python and of MySQL's client, and a way to PyPI: a build host, a chroot, a container.
set -eu
out=$(realpath -m "$1") python=${2:-python3} what=${3:-run}
top=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$python" -m venv "$work/venv"
wheel() { "$work/venv/bin/python" -m pip wheel --quiet --disable-pip-version-check --require-hashes --wheel-dir "$work/wheels" "$@"; }
run() {
  wheel -r "$top/requirements/run.txt" -r "$top/requirements/mysql.txt" -r "$top/requirements/tracing.txt"
  # mysqlclient was built here: its pin gets the hash of what was built.
  built=$(cd "$work/wheels" && ls mysqlclient-*.whl)
  version=$(echo "$built" | cut -d- -f2)
  echo "mysqlclient==$version --hash=sha256:$(sha256sum "$work/wheels/$built" | cut -d' ' -f1)" >"$work/wheels/mysql.txt"
}
loadgen() { wheel -r "$top/requirements/loadgen.txt"; }
"$what"
mkdir -p "$(dirname "$out")"
tar -C "$work" -cf "$out" wheels
echo "Wrote $(ls "$work/wheels" | grep -c whl) wheels to $out." >&2
