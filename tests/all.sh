#!/bin/sh
# all.sh [rest]: the tests, on servers that are started for them, several at a time.
#
# Without an argument: the fast tests, on MariaDB. `rest`: those marked `slow` (they start many
# processes) and `long` (minutes), on MariaDB; and those that touch coupon rows once more on SQLite
# and, if MYSQL9_SCRIPT names a script that starts one, on MySQL 9, both at the same time.
set -eu
cd "$(dirname "$0")/.."
: "${MYSQL9_SCRIPT:=$(ls ../shared/mysql9.sh 2>/dev/null || true)}"
export MYSQL9_SCRIPT
cores=$(getconf _NPROCESSORS_ONLN)
status=0 # not zero if any of them failed; all are run
# on DATABASE WORKERS ARGUMENTS…
on() {
  database=$1 workers=$2
  shift 2
  echo "== tests on $database: $*" >&2
  .venv/bin/python -m tests.servers --database "$database" .venv/bin/python -m pytest -q \
    -n "$workers" --dist worksteal --durations 15 --durations-min 5 "$@"
}

# On both other databases at the same time. MySQL 9 has one worker: its user may create one schema.
other_databases() {
  rows="stores and not slow and not long"
  if [ -z "$MYSQL9_SCRIPT" ]; then
    echo "No MySQL 9 here (MYSQL9_SCRIPT): skipped." >&2
    on sqlite $((2 * cores)) -m "$rows"
    return
  fi
  output=$(mktemp)
  on mysql9 0 -m "$rows" >"$output" 2>&1 & mysql9=$!
  failed=0
  on sqlite "$cores" -m "$rows" || failed=$?
  wait "$mysql9" || failed=$?
  cat "$output"
  rm -f "$output"
  return $failed
}

# A worker mostly waits for the processes that it has started: two for each core, fewer for tests
# that start many.
if [ "${1:-}" = rest ]; then
  on mariadb $((cores + 1)) -m "slow or long" || status=$?
  other_databases || status=$?
else
  on mariadb $((2 * cores)) -m "not slow and not long" || status=$?
fi
exit $status
