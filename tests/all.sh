#!/bin/sh
# Every test on MariaDB; those that touch coupon rows once more on SQLite and, where a MySQL 9 can
# be had (MYSQL9_SCRIPT names a script that starts one), on MySQL 9. Those of provisioning touch
# neither: they run beside the others, which mostly wait.
set -eu
cd "$(dirname "$0")/.."
on() { database=$1; shift; echo "== tests on $database" >&2; .venv/bin/python -m tests.servers --database "$database" .venv/bin/python -m pytest "$@"; }

: "${MYSQL9_SCRIPT:=$(ls ../shared/mysql9.sh 2>/dev/null || true)}"
export MYSQL9_SCRIPT
if [ "${1:-}" = long ]; then kind=long; else kind="not long"; fi

said=$(mktemp)
nice -n 10 .venv/bin/python -m tests.servers --database sqlite .venv/bin/python -m pytest \
  -q -m "$kind" tests/provisioning >"$said" 2>&1 &
beside=$!
trap 'kill $beside 2>/dev/null || true; rm -f "$said"' EXIT
trap 'exit 130' INT TERM

status=0 # of all of them: who mends one failure wants to know of the others
if [ "$kind" = long ]; then
  on sqlite -m long --ignore tests/provisioning --ignore tests/infra || status=$?
  on mariadb -q -m long tests/infra || status=$?
else
  on sqlite -q -m stores || status=$?
  if [ -n "$MYSQL9_SCRIPT" ]; then on mysql9 -q -m stores || status=$?; else echo "No MySQL 9 at hand (MYSQL9_SCRIPT): left out." >&2; fi
  on mariadb -m "not long" --ignore tests/provisioning || status=$?
fi

echo "== tests of provisioning" >&2
wait $beside || status=$?
cat "$said"
exit $status
