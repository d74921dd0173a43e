#!/bin/sh
# install.sh PYTHON run|tools|all|tests|peers: make .venv and install the pinned requirements into it.
#   run    what serves a site on this machine      tools  and what operators work with: Locust, Ansible, boto3
#   all    and what looks at the code              tests  the same, on a machine that has the tests' packages
#   peers  those of the comparison, which are no part of the product: an environment of their own
# uv installs them where it is on PATH, pip where it is not; both refuse a package whose hash is not the pinned one.
set -eu
python=$1 what=$2
top=$(cd "$(dirname "$0")/.." && pwd)
uv=$(command -v uv || true)
say() { printf '%s\n' "$*" >&2; }

"$python" - <<'P' || { say "Python 3.11 to 3.14 is needed; name one with PYTHON=…"; exit 1; }
import sys
sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))
P
new_environment() {
  [ -z "$uv" ] || "$uv" venv --quiet --allow-existing --python "$(command -v "$python")" "$1" || uv=""
  [ -n "$uv" ] || "$python" -m venv "$1" ||
    { say "Python's venv module is missing: apt-get install python3-venv"; exit 1; }
}
# uv does not read pip's configuration, which may name the only index that this machine reaches.
without_uv() {
  say "uv can't install them: trying pip, which reads its own configuration."
  uv=""
}
# uv's environments have no pip, nor has one whose making was interrupted.
with_pip() { [ -x "$1/bin/pip" ] || new_environment "$1"; }
# into ENVIRONMENT ARGUMENT…: install these requirements.
into() {
  environment=$1
  shift
  if [ -n "$uv" ]; then
    "$uv" pip install --quiet --python "$environment/bin/python" --require-hashes "$@" && return
    without_uv
  fi
  with_pip "$environment"
  "$environment/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes "$@"
}
# Each requirement file by its name.
install() {
  say "Installing $* …"
  for part; do shift; set -- "$@" -r "$top/requirements/$part.txt"; done
  into "$top/.venv" "$@"
}
# No wheel for Linux: where its headers are missing, SQLite serves.
install_mysql() {
  into "$top/.venv" -r "$top/requirements/mysql.txt" 2>"$top/.venv/mysqlclient.log" ||
    say "mysqlclient could not be built (see .venv/mysqlclient.log): going on with SQLite only."
}
# Of the bundle `ansible` only the collections that our roles and playbooks use, and amazon.aws, which community.aws needs.
install_collections() {
  say "Installing Ansible's collections …"
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  [ -z "$uv" ] || "$uv" pip install --quiet --python "$top/.venv/bin/python" --require-hashes --no-deps \
    --target "$work" -r "$top/requirements/collections.txt" || without_uv
  if [ -z "$uv" ]; then
    with_pip "$top/.venv"
    "$top/.venv/bin/python" -m pip download --quiet --disable-pip-version-check --require-hashes --no-deps \
      --dest "$work" -r "$top/requirements/collections.txt"
  fi
  "$top/.venv/bin/python" - "$work" amazon/aws ansible/posix community/aws community/mysql <<'P'
import shutil, sys, sysconfig, zipfile
from pathlib import Path
work, *names = sys.argv[1:]
ours = tuple(f"ansible_collections/{name}/" for name in names)
for wheel in Path(work).glob("*.whl"):
    with zipfile.ZipFile(wheel) as bundle:
        bundle.extractall(work, [file for file in bundle.namelist() if file.startswith(ours)])
for name in ours:
    there = Path(sysconfig.get_path("purelib"), name)
    shutil.rmtree(there, ignore_errors=True)
    shutil.copytree(Path(work, name), there)
P
}

[ "$what" = peers ] || [ -x "$top/.venv/bin/python" ] || new_environment "$top/.venv"
case $what in
run) install run laptop; install_mysql ;;
tools) install run laptop tools; install_collections; install_mysql ;;
all) install run laptop tools tracing test; install_collections; install_mysql ;;
tests)
  say "Installing requirements.txt …"
  into "$top/.venv" -r "$top/requirements.txt"
  install_collections
  ;;
peers)
  say "Installing requirements/peers.txt …"
  rm -rf "$top/.venv/peers"
  new_environment "$top/.venv/peers"
  into "$top/.venv/peers" -r "$top/requirements/peers.txt"
  exit
  ;;
*) say "install.sh PYTHON run|tools|all|tests|peers"; exit 2 ;;
esac
touch "$top/.venv/$what"
