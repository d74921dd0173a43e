#!/bin/sh
# install.sh PYTHON run|tools|all|tests|peers: make .venv and install the pinned requirements into it.
#   run    what serves a site on this machine      tools  and what people work with: Locust, Ansible, boto3
#   all    and what looks at the code              tests  the same, on a machine that has the tests' packages
#   peers  those of the comparison, which are no part of the product: an environment of their own
set -eu
python=$1 what=$2
top=$(cd "$(dirname "$0")/.." && pwd)
say() { printf '%s\n' "$*" >&2; }

"$python" - <<'P' || { say "Python 3.11 to 3.14 is needed; name one with PYTHON=…"; exit 1; }
import sys
sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))
P
[ -x "$top/.venv/bin/pip" ] || "$python" -m venv "$top/.venv" ||
  { say "Python's venv module is missing: apt-get install python3-venv"; exit 1; }
pip() { "$top/.venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes "$@"; }
# Each requirement file by its name.
install() {
  say "Installing $* …"
  for part; do shift; set -- "$@" -r "$top/requirements/$part.txt"; done
  pip "$@"
}
# No wheel for Linux: where its headers are missing, SQLite serves.
install_mysql() {
  pip -r "$top/requirements/mysql.txt" 2>"$top/.venv/mysqlclient.log" ||
    say "mysqlclient could not be built (see .venv/mysqlclient.log): going on with SQLite only."
}

case $what in
run) install run laptop; install_mysql ;;
tools) install run laptop tools; install_mysql ;;
all) install run laptop tools tracing test; install_mysql ;;
tests) say "Installing requirements.txt …"; pip -r "$top/requirements.txt" ;;
peers)
  say "Installing requirements/peers.txt …"
  rm -rf "$top/.venv/peers"
  "$python" -m venv "$top/.venv/peers"
  "$top/.venv/peers/bin/python" -m pip install --quiet --disable-pip-version-check \
    --require-hashes -r "$top/requirements/peers.txt"
  exit
  ;;
*) say "install.sh PYTHON run|tools|all|tests|peers"; exit 2 ;;
esac
touch "$top/.venv/$what"
