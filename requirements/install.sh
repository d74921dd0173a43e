#!/bin/sh
# install.sh PYTHON run|all|peers: make .venv and install the pinned requirements into it; the
# comparison's peers, which are no part of the product, go into an environment of their own.
set -eu
python=$1 what=$2
top=$(cd "$(dirname "$0")/.." && pwd)
say() { printf '%s\n' "$*" >&2; }

"$python" - <<'P' || { say "Python 3.11, 3.12 or 3.13 is needed; name one with PYTHON=…"; exit 1; }
import sys
sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
P
[ -x "$top/.venv/bin/pip" ] || "$python" -m venv "$top/.venv" ||
  { say "Python's venv module is missing: apt-get install python3-venv"; exit 1; }
pip() { "$top/.venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes "$@"; }

if [ "$what" = peers ]; then
  say "Installing requirements/peers.txt …"
  rm -rf "$top/.venv/peers"
  "$python" -m venv "$top/.venv/peers"
  "$top/.venv/peers/bin/python" -m pip install --quiet --disable-pip-version-check \
    --require-hashes -r "$top/requirements/peers.txt"
  exit
fi
if [ "$what" = all ]; then
  say "Installing requirements.txt …"
  pip -r "$top/requirements.txt"
else
  say "Installing what running needs …"
  pip -r "$top/requirements/run.txt" -r "$top/requirements/laptop.txt"
  # No wheel for Linux: where its headers are missing, SQLite serves.
  pip -r "$top/requirements/mysql.txt" 2>"$top/.venv/mysqlclient.log" ||
    say "mysqlclient could not be built (see .venv/mysqlclient.log): going on with SQLite only."
fi
touch "$top/.venv/$what"
