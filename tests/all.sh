#!/bin/sh
# all.sh [rest]: the tests, on servers that are started for them, several at a time.
#
# Without a word: those that take a moment, on MariaDB. `rest`: those that are slow, since they start
# many processes, and those that take minutes, on MariaDB as well; and those that touch coupon rows
# once more on SQLite and, where a MySQL 9 can be had (MYSQL9_SCRIPT names a script that starts one),
# on MySQL 9, beside each other.
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
    -n "$workers" --dist worksteal --durations 15 --durations-min 5 "$@"
}

# On both other databases at a time: MySQL 9 has one worker, since its user may make one schema.
other_databases() {
  rows="stores and not slow and not long"
  if [ -z "$MYSQL9_SCRIPT" ]; then
    echo "No MySQL 9 at hand (MYSQL9_SCRIPT): left out." >&2
    on sqlite $((2 * cores)) -m "$rows"
    return
  fi
  said=$(mktemp)
  on mysql9 0 -m "$rows" >"$said" 2>&1 & mysql9=$!
  failed=0
  on sqlite "$cores" -m "$rows" || failed=$?
  wait "$mysql9" || failed=$?
  cat "$said"
  rm -f "$said"
  return $failed
}

# A worker mostly waits for what it has started: two for each core, fewer where each starts much.
if [ "${1:-}" = rest ]; then
  on mariadb $((cores + 1)) -m "slow or long" || status=$?
  other_databases || status=$?
else
  on mariadb $((2 * cores)) -m "not slow and not long" || status=$?
fi
exit $status
