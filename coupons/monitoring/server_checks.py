"""System checks of the deployment: secrets, and the configuration of Redis, broker and MySQL that
the guarantees depend on. Each message has a stable id and a hint.

Checks of servers (`SERVERS`) run only with `manage.py check --tag stores`: a plain `check`, and a
migration, need no server to be up.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from celery import current_app
from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import Error as DatabaseError
from django.db import connection

from coupons.errors import StoreFailure
from coupons.models.row_constraints import missing_constraints
from coupons.store import Store, store
from coupons.store.layouts import FIRST, NEWEST, OLDEST, is_known

STORES = "stores"
_FEW = 8  # different bytes; a random key of 32 bytes has far more

_NO_EVICTION = (
    "Set `maxmemory-policy noeviction` (ElastiCache: in the parameter group): a full server must "
    "refuse a claim, never delete the key of a user who holds a coupon."
)
_APPEND_ONLY = (
    "Set `appendonly yes`. Where the service keeps its own durable log (ElastiCache with "
    "durability, MemoryDB), silence this check."
)
_WAIT = (
    "Set REDIS_WAIT_REPLICAS=1: admissions then wait for a replica, refusals never. Or accept what "
    "a failover may lose (coupons/recovery/README.md) and silence this check."
)
_STRICT = "Set `sql_mode` to TRADITIONAL: a value that doesn't fit must be an error, not truncated."
_CHARSET = "Run `ALTER DATABASE … CHARACTER SET utf8mb4` before the first migration."
_FLUSH = "Set `innodb_flush_log_at_trx_commit=1`, or a power cut loses committed coupons."
_BINLOG = "Set `sync_binlog=1`, or replicas may differ from the primary after a power cut."
_ISOLATION = (
    "Set `isolation_level` to `read committed` in DATABASES: fewer gap locks, no deadlocks."
)
_ZONE = (
    "Leave `time_zone='+00:00'` in the init_command of DATABASES: in a zone with daylight saving "
    "sales would open and close an hour early or late."
)
_OLDER = "Run `manage.py upgrade_redis`: its claims get 503 until then."
_NEWER = "Deploy the release that upgraded it, or a newer one: this one can't go back."
_UTC = frozenset({"+00:00", "UTC", "Etc/UTC"})


@register(Tags.security)
def check_secrets(**_: Any) -> list[CheckMessage]:
    """In production: E010 to E012 if a secret is a default of our published source."""
    if not settings.PRODUCTION:
        return []
    return [
        Error(
            f"{name} in production is a value meant for a laptop.",
            hint=f"Set {name} to a random value that only this deployment knows.",
            id=f"coupons.E{number:03}",
        )
        for number, name, is_published in _secrets()
        if is_published
    ]


def _secrets() -> Iterator[tuple[int, str, bool]]:
    """Number of the check, setting, whether its value is a published default."""
    yield 10, "SECRET_KEY", settings.SECRET_KEY.startswith("local-only-")
    yield 11, "JWT_HS256_SECRET", settings.JWT_HS256_SECRET.startswith("local-only-")
    yield 12, "COUPON_KEYS", any(len(set(key)) < _FEW for key in settings.COUPON_KEYS.values())


def check_redis(**_: Any) -> list[CheckMessage]:
    try:
        info = store().server.read_info()
    except StoreFailure as away:
        hint = "Start it or correct REDIS_URL, then check again."
        return [Warning(f"Redis could not be checked. {away}", hint=hint, id="coupons.W001")]
    messages: list[CheckMessage] = []
    policy = info.get("maxmemory_policy")
    if policy != "noeviction":
        text = f"The deciding Redis may evict keys: its maxmemory-policy is {policy}."
        messages.append(Error(text, hint=_NO_EVICTION, id="coupons.E001"))
    if not info.get("aof_enabled"):
        text = "The deciding Redis loses all data when it restarts: its append-only file is off."
        messages.append(Warning(text, hint=_APPEND_ONLY, id="coupons.W002"))
    if info.get("connected_slaves") and not settings.REDIS_WAIT_REPLICAS:
        text = "A failover loses the admissions that its replica has not received."
        messages.append(Warning(text, hint=_WAIT, id="coupons.W007"))
    return messages


def check_layouts(**_: Any) -> list[CheckMessage]:
    """E029 if Redis holds a campaign in a layout that this release does not read."""
    try:
        found = store().layouts.layouts_of(store().campaigns.installed_slugs())
    except StoreFailure:
        return []  # W001 says so
    unknown = {
        slug: layout or FIRST
        for slug, layout in found.items()
        if layout is not None and not is_known(layout)
    }
    return [
        Error(
            f"Redis holds {slug} in layout {layout}; this release reads {OLDEST} to {NEWEST}.",
            hint=_OLDER if layout < OLDEST else _NEWER,
            id="coupons.E029",
        )
        for slug, layout in sorted(unknown.items())
    ]


def check_broker(**_: Any) -> list[CheckMessage]:
    """Checks that the broker evicts no messages. A lost wake-up delays storing by a second or so;
    a broker that evicts loses many."""
    try:
        info = Store(current_app.conf.broker_url, timeout_s=1, max_connections=1).server.read_info()
    except StoreFailure as away:
        hint = "Start it or correct CELERY_BROKER_URL, then check again."
        return [Warning(f"The broker could not be checked. {away}", hint=hint, id="coupons.W009")]
    if info.get("maxmemory_policy") == "noeviction":
        return []
    hint = "Set `maxmemory-policy noeviction` on the broker, too."
    return [Warning("The broker may evict wake-ups.", hint=hint, id="coupons.W008")]


def check_mysql(**_: Any) -> list[CheckMessage]:
    try:
        if connection.vendor != "mysql":
            return []
        return list(_mysql_messages(_variables()))
    except DatabaseError as away:
        hint = "Start it or correct DATABASE_URL, then check again."
        return [Warning(f"MySQL could not be checked. {away}", hint=hint, id="coupons.W003")]


def check_mysql_time_zone(**_: Any) -> list[CheckMessage]:
    """Checks that our sessions are in UTC: in a zone with daylight saving time one hour comes twice
    and one is missing."""
    if connection.vendor != "mysql":
        return []
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT @@session.time_zone")
            (zone,) = cursor.fetchone()
    except DatabaseError:
        return []  # W003 reports it
    if zone in _UTC:
        return []
    text = f"Our connections to MySQL use the time zone {zone}, not UTC."
    return [Error(text, hint=_ZONE, id="coupons.E005")]


def _variables() -> dict[str, str]:
    """The session's values; MariaDB before 11 has tx_isolation."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SHOW SESSION VARIABLES WHERE Variable_name IN ('sql_mode', 'sync_binlog', 'log_bin', "
            "'character_set_database', 'innodb_flush_log_at_trx_commit', 'transaction_isolation', "
            "'tx_isolation')"
        )
        return dict(cursor.fetchall())


def _mysql_messages(variables: dict[str, str]) -> Iterator[CheckMessage]:
    mode, flush, sync = (
        variables.get(name, "")
        for name in ("sql_mode", "innodb_flush_log_at_trx_commit", "sync_binlog")
    )
    isolation = variables.get("transaction_isolation") or variables.get("tx_isolation", "")
    if not {"STRICT_TRANS_TABLES", "STRICT_ALL_TABLES"} & set(mode.split(",")):
        yield Error(f"MySQL is not strict: sql_mode is {mode!r}.", hint=_STRICT, id="coupons.E002")
    charset = variables.get("character_set_database")
    if charset != "utf8mb4":
        text = f"The database can't hold every name: its character set is {charset}."
        yield Error(text, hint=_CHARSET, id="coupons.E003")
    if flush != "1":
        text = f"MySQL's commits are not durable: innodb_flush_log_at_trx_commit is {flush}."
        yield Warning(text, hint=_FLUSH, id="coupons.W004")
    if variables.get("log_bin") == "ON" and sync != "1":
        text = f"MySQL's binary log is not written at every commit: sync_binlog is {sync}."
        yield Warning(text, hint=_BINLOG, id="coupons.W005")
    if isolation != "READ-COMMITTED":
        text = f"The isolation level of our transactions is {isolation}."
        yield Warning(text, hint=_ISOLATION, id="coupons.W006")


def _is_migrated(table: str) -> bool:
    """Whether the table exists. False also while the database is unreachable (W003 reports it)."""
    if connection.vendor == "sqlite" and not Path(str(connection.settings_dict["NAME"])).exists():
        return False  # connecting would create the file
    try:
        with connection.cursor() as cursor:
            return table in connection.introspection.table_names(cursor)
    except DatabaseError:
        return False


def check_coupon_constraints(**_: Any) -> list[CheckMessage]:
    """Checks that the coupons' table has the unique constraints that make over-issue impossible."""
    table = apps.get_model("coupons", "Coupon")._meta.db_table
    if not _is_migrated(table):
        return []
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, table)
    unique = {
        frozenset(constraint["columns"])
        for constraint in constraints.values()
        if constraint["unique"] or constraint["primary_key"]
    }
    missing = [sorted(wanted) for wanted in _UNIQUE if wanted not in unique]
    if not missing:
        return []
    text = f"Coupons are not unique by {' and '.join(map(', '.join, missing))}."
    return [Error(text, hint="Run manage.py migrate.", id="coupons.E004")]


def check_definition_constraints(**_: Any) -> list[CheckMessage]:
    """Checks that every limit of a campaign's definition is a constraint of its table."""
    if not _is_migrated(apps.get_model("coupons", "Campaign")._meta.db_table):
        return []
    names = ", ".join(constraint.name for constraint in missing_constraints())
    if not names:
        return []
    hint = "Run `manage.py migrate`, then `manage.py definitions`: it names the rows in the way."
    return [Warning(f"The database lacks {names}.", hint=hint, id="coupons.W010")]


def check_coupon_keys(**_: Any) -> list[CheckMessage]:
    """E031 for each master key that campaigns or webhooks use and COUPON_KEYS lacks: their claims,
    lists and receipts get 503, their deliveries wait unsigned."""
    models = [apps.get_model("coupons", name) for name in ("Campaign", "WebhookEndpoint")]
    if not all(_is_migrated(model._meta.db_table) for model in models):
        return []
    try:
        used = [
            (model._meta.verbose_name_plural, key_id)
            for model in models
            for key_id in model.objects.order_by("key_id")
            .values_list("key_id", flat=True)
            .distinct()
        ]
    except DatabaseError:
        return []  # W003 reports it
    return [
        Error(
            f"COUPON_KEYS has no key {key_id!r}, which {name} use.",
            hint=_PUT_BACK,
            id="coupons.E031",
        )
        for name, key_id in used
        if key_id not in settings.COUPON_KEYS
    ]


def check_operator_names(**_: Any) -> list[CheckMessage]:
    """Checks that user names have a binary collation: a migration of Django's own that alters the
    column would give it the default one."""
    if connection.vendor != "mysql":
        return []
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT collation_name FROM information_schema.columns WHERE table_schema ="
                " DATABASE() AND table_name = 'auth_user' AND column_name = 'username'"
            )
            row = cursor.fetchone()
    except DatabaseError:
        return []  # W003 reports it
    if row is None or row[0].endswith("_bin"):
        return []
    text = f"Names of operators do not compare exactly: their collation is {row[0]}."
    return [Warning(text, hint=_EXACT_NAMES, id="coupons.W011")]


_PUT_BACK = (
    "Put that key back into COUPON_KEYS of every host: a new one goes in front, none is taken away."
)
_EXACT_NAMES = (
    "Run manage.py migrate; if it has run: ALTER TABLE auth_user MODIFY username varchar(150) "
    "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL."
)

_UNIQUE = (
    frozenset({"slot_id"}),
    frozenset({"campaign_id", "place"}),
    frozenset({"user", "campaign_id", "nth"}),
    frozenset({"code"}),
)

SERVERS = (
    check_redis,
    check_layouts,
    check_broker,
    check_mysql,
    check_mysql_time_zone,
    check_coupon_constraints,
    check_definition_constraints,
    check_coupon_keys,
    check_operator_names,
)
