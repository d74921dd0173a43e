#!/bin/sh
# all.sh [rest]: the tests, on servers that are started for them, several at a time.
#
# Without a word: those that take a moment, on MariaDB. `rest`: those that are slow, since they start
# many processes; those that touch coupon rows once more on SQLite and, where a MySQL 9 can be had
# (MYSQL9_SCRIPT names a script that starts one), on MySQL 9; and those that take minutes.
set -eu
cd "$(dirname "$0")/.."
: "${MYSQL9_SCRIPT:=$(ls ../shared/mysql9.sh 2>/dev/null || true)}"
export MYSQL9_SCRIPT
cores=$(getconf _NPROCESSORS_ONLN)
status=0 # of all of them: who mends one failure wants to know of the others
# on DATABASE WORKERS ARGUMENTS…
on() {
  database=$1 workers=$2
  shift 2
  echo "== tests on $database: $*" >&2
  .venv/bin/python -m tests.servers --database "$database" .venv/bin/python -m pytest -q \
    -n "$workers" --dist worksteal --durations 15 --durations-min 5 "$@" || status=$?
}

# A worker mostly waits for what it has started: two for each core, fewer where each starts much.
if [ "${1:-}" = rest ]; then
  on mariadb $((cores + 1)) -m "slow and not long"
  on sqlite $((2 * cores)) -m "stores and not slow and not long"
  if [ -n "$MYSQL9_SCRIPT" ]; then
    on mysql9 0 -m "stores and not slow and not long" # its user may make one schema
  else
    echo "No MySQL 9 at hand (MYSQL9_SCRIPT): left out." >&2
  fi
  on sqlite "$cores" -m long --ignore tests/infra
  on mariadb 0 -m long tests/infra
else
  on mariadb $((2 * cores)) -m "not slow and not long"
fi
exit $status
