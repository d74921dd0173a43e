#!/bin/sh
# Every test on MariaDB; those that touch coupon rows once more on SQLite and, where a MySQL 9 can
# be had (MYSQL9_SCRIPT names a script that starts one), on MySQL 9.
set -eu
cd "$(dirname "$0")/.."
on() { database=$1; shift; echo "== tests on $database" >&2; .venv/bin/python -m tests.servers --database "$database" .venv/bin/python -m pytest "$@"; }

: "${MYSQL9_SCRIPT:=$(ls ../shared/mysql9.sh 2>/dev/null || true)}"
export MYSQL9_SCRIPT
if [ "${1:-}" = long ]; then on sqlite -m long; exit; fi
on sqlite -q -m stores
if [ -n "$MYSQL9_SCRIPT" ]; then on mysql9 -q -m stores; else echo "No MySQL 9 at hand (MYSQL9_SCRIPT): left out." >&2; fi
on mariadb -m "not long"
