"""Wanted: Redis and MySQL, with their subnet, parameter and log groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from provisioning.blueprint.names import group_ref, secret_ref, subnet_refs
from provisioning.blueprint.redis_users import user_group_ref, user_wants
from provisioning.blueprint.secrets import DATABASE, STORED_UNDER, auth_token
from provisioning.model import Key, Ref, Want
from provisioning.resources.logs import RDS_LOGS
from provisioning.spec.model import Cache, Database, Spec

LOGS = ("error", "slowquery")


def store_wants(spec: Spec) -> Iterator[Want]:
    done: set[str] = set()
    for cache in spec.caches:
        if cache.subnet_group not in done:
            props = {"subnets": subnet_refs(spec, *cache.tiers)}
            yield Want(kind="cache-subnets", name=cache.subnet_group, props=props)
            done.add(cache.subnet_group)
        yield from _managed(spec, cache) if cache.managed_group else _plain(spec, cache)
    yield from _database(spec, spec.database)


def _plain(spec: Spec, cache: Cache) -> Iterator[Want]:
    yield Want(
        kind="cache-node",
        name=cache.name,
        props={
            "engine": cache.engine,
            "version": cache.version,
            "type": cache.type,
            "port": cache.port,
            "subnets": Ref("cache-subnets", cache.subnet_group),
            "groups": frozenset({group_ref(spec, "cache")}),
            "maintenance": spec.windows.maintenance,
            "auto_upgrade": False,
        },
    )


def _managed(spec: Spec, cache: Cache) -> Iterator[Want]:
    family = f"{cache.engine}{cache.version.partition('.')[0]}"
    parameters = f"{spec.environment.name}-{cache.name}-{family}"
    yield Want(
        kind="cache-parameters",
        name=parameters,
        props={"family": family, "values": {"maxmemory-policy": "noeviction"}},
    )
    token: Any = {"auth_token": secret_ref(auth_token(cache))} if cache.encrypted else {}
    users: Any = {"users": user_group_ref(cache)} if cache.has_users else {}
    if cache.has_users:
        yield from user_wants(cache)
    yield Want(
        kind="cache-group",
        name=cache.name,
        props={
            "engine": cache.engine,
            "version": cache.version,
            "type": cache.type,
            "port": cache.port,
            "members": cache.replicas + 1,
            "multi_az": cache.replicas > 0,
            "subnets": Ref("cache-subnets", cache.subnet_group),
            "parameters": Ref("cache-parameters", parameters),
            "groups": frozenset({group_ref(spec, "cache")}),
            "encrypted_at_rest": cache.encrypted,
            "encrypted_in_transit": cache.encrypted,
            "access": (cache.access or "users") if cache.encrypted else "open",
            **users,
            "snapshot_days": cache.snapshot_days,
            "maintenance": spec.windows.maintenance,
            "auto_upgrade": False,  # versions change only by the spec
            **({"snapshot_window": spec.windows.backup} if cache.snapshot_days else {}),
        },
        hidden={"purpose": " and ".join(cache.purpose), **token},
    )


def _database(spec: Spec, wanted: Database) -> Iterator[Want]:
    subnets = {"subnets": subnet_refs(spec, *wanted.tiers)}
    yield Want(kind="db-subnets", name=wanted.subnet_group, props=subnets)
    parameters: dict[str, Any] = {}
    if wanted.require_tls:
        parameters = {
            "parameters": Ref("db-parameters", _parameters_name(spec)),
            "in_force": True,
        }
        yield _parameters(spec)
    groups = tuple(_logs(spec, wanted))
    yield from groups
    yield Want(
        kind="database",
        name=wanted.name,
        props={
            "type": wanted.type,
            "version": wanted.version,
            "storage_gb": wanted.storage_gb,
            "max_storage_gb": wanted.max_storage_gb,
            "subnets": Ref("db-subnets", wanted.subnet_group),
            "groups": frozenset({group_ref(spec, "database")}),
            "multi_az": wanted.multi_az,
            "encrypted": wanted.encrypted,
            "public": wanted.public,
            "backup_days": wanted.backup_days,
            "backup_window": spec.windows.backup,
            "maintenance": spec.windows.maintenance,
            "auto_upgrade": False,  # versions change only by the spec
            "protected": wanted.protected,
            "insights": wanted.insights,
            "logs": frozenset(group.name.rpartition("/")[2] for group in groups),
            "user": wanted.user,
            "schema": wanted.schema,
            "port": wanted.port,
            "running": True,
            **parameters,
        },
        hidden={"password": secret_ref(DATABASE)},
        # a destroy that was killed must not have deleted the secrets before the snapshot is made
        after=(*(group.key for group in groups), *_stored_under(spec)),
    )


def _stored_under(spec: Spec) -> Iterator[Key]:
    return (Key("secret", each.name) for each in spec.secrets if each.name in STORED_UNDER)


def _logs(spec: Spec, wanted: Database) -> Iterator[Want]:
    """The log groups that RDS writes to. They are created first: those that RDS creates itself have
    no tags and no retention limit."""
    if spec.watch:
        for log in LOGS:
            name = f"{RDS_LOGS}{wanted.name}/{log}"
            yield Want(kind="log-group", name=name, props={"days": spec.watch.log_days})


def _major(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _parameters_name(spec: Spec) -> str:
    """It contains the major version: an upgrade uses a new group and does not change the old."""
    return f"{spec.prefix}-mysql{_major(spec.database.version).replace('.', '')}"


def _parameters(spec: Spec) -> Want:
    return Want(
        kind="db-parameters",
        name=_parameters_name(spec),
        props={
            "family": f"mysql{_major(spec.database.version)}",
            "values": {
                "require_secure_transport": "1",
                "innodb_flush_log_at_trx_commit": "1",
                "sync_binlog": "1",
                "character_set_server": "utf8mb4",
                "slow_query_log": "1",
                "log_output": "FILE",  # what RDS sends to CloudWatch; its default is a table
                "long_query_time": "0.5",
            },
        },
    )
