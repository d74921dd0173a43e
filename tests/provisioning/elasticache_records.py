"""The records of the test cloud's ElastiCache: by name, with their tags."""

from __future__ import annotations

from typing import Any

from moto.elasticache.exceptions import ElastiCacheException

from tests.provisioning.store_states import pass_time

Record = dict[str, Any]


class Store:
    def __init__(self) -> None:
        self.clusters: dict[str, Record] = {}
        self.groups: dict[str, Record] = {}
        self.subnets: dict[str, Record] = {}
        self.parameters: dict[str, Record] = {}
        self.users: dict[str, Record] = {}
        self.user_groups: dict[str, Record] = {}
        self.snapshots: list[Record] = []
        self.tags: dict[str, dict[str, str]] = {}


def store_of(response: Any) -> Store:
    return store_behind(response.elasticache_backend)


def store_behind(backend: Any) -> Store:
    if not hasattr(backend, "kept"):
        backend.kept = Store()
    kept: Store = backend.kept
    return kept


def value_after(record: Record, asked: Record, name: str) -> Any:
    """A field of the record after the change that is asked for."""
    return asked[name] if name in asked else record[name]


def asked_of(response: Any) -> Record:
    asked: Record = response._get_params()
    return asked


def demand_new(table: dict[str, Record], name: str, error: str) -> None:
    if name in table:
        raise ElastiCacheException(error, f"{name} already exists.")


def existing_record(table: dict[str, Record], name: str, error: str) -> Record:
    if name not in table:
        raise ElastiCacheException(error, f"{name} is not found.")
    return table[name]


def pop_record(table: dict[str, Record], name: str, error: str) -> Record:
    existing_record(table, name, error)
    return table.pop(name)


def demand_unused(store: Store, field: str, name: str, error: str) -> None:
    for cluster in store.clusters.values():
        if cluster.get(field) == name:
            pass_time(store)
            raise ElastiCacheException(error, f"{name} is used by {cluster['CacheClusterId']}.")


def tagged_arn(response: Any, store: Store, kind: str, name: str, asked: Record) -> str:
    arn = f"arn:aws:elasticache:{response.region}:{response.current_account}:{kind}:{name}"
    store.tags[arn] = {tag["Key"]: tag["Value"] for tag in asked.get("Tags", ())}
    return arn
