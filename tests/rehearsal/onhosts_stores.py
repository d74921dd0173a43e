"""The rehearsal's attempts at what the service's users of the stores must not do, made on a host
with the service's own settings."""

from __future__ import annotations

from tests.rehearsal.deployment import Deployment
from tests.rehearsal.record import Record, Wrong

MANAGE = "/usr/local/bin/coupon-manage"

# Tries each with the host's own settings. Prints what was NOT refused, and how many were.
ATTEMPTS = """
import MySQLdb, redis
from django.conf import settings
from django.db import connection
refused = []
for line in {redis!r}:
    try:
        redis.Redis.from_url(settings.REDIS_URL).execute_command(*line.split(" "))
        print("NOT REFUSED", line)
    except redis.RedisError as error:
        refused.append(line) if "permission" in str(error) else print(line, error)
for statement in {mysql!r}:
    try:
        connection.cursor().execute(statement)
        print("NOT REFUSED", statement)
    except Exception as error:
        refused.append(statement) if "denied" in str(error) else print(statement, error)
print("REFUSED", len(refused))
"""
REDIS = (
    "CONFIG GET *", "KEYS *", "SCRIPT FLUSH", "ACL LIST", "SAVE", "REPLICAOF NO ONE",
    "GET other", "MONITOR",
)  # fmt: skip
MYSQL = (
    "DROP TABLE coupons_coupon", "ALTER TABLE coupons_coupon ADD x INT", "TRUNCATE coupons_coupon",
    "CREATE TABLE x (id INT)", "DROP DATABASE coupons", "SELECT 1 FROM mysql.user",
)  # fmt: skip


def refused_by_stores(it: Deployment, record: Record) -> None:
    """Redis' attempts only on a single host, whose Redis is ours: ElastiCache's has no users."""
    redis = REDIS if len(it.hosts) == 1 else ()
    code = ATTEMPTS.format(redis=redis, mysql=MYSQL)
    wanted = len(redis) + len(MYSQL)
    with record.step("forbidden in the stores") as step:
        tried = [
            host for host in it.hosts.values() if host.run("test", "-e", MANAGE).returncode == 0
        ]
        for host in tried:
            said = host.run(MANAGE, "shell", "-c", code)
            if f"REFUSED {wanted}" not in said.stdout.splitlines():
                raise Wrong(f"{host.name}: {said.stdout}{said.stderr[-2000:]}")
        step.found = f"{wanted} attempts refused on each of {len(tried)}"
