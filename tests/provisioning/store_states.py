"""Stores take time on AWS, and refuse calls meanwhile; moto's are ready and gone at once.

Time passes by answers, not by seconds: a store leaves a passing state when it was described, or
stood in the way of a deletion, `ANSWERS` times.
"""

from __future__ import annotations

from typing import Any

from moto.elasticache.exceptions import ElastiCacheException
from moto.rds.exceptions import InvalidDBInstanceStateError
from moto.rds.models import RDSBackend
from moto.rds.responses import RDSResponse

ANSWERS = 2
Record = dict[str, Any]


def begin_state(record: Record, status: str) -> None:
    """A node or a group of ElastiCache enters a passing state."""
    record[status_field(record)] = status
    record["answers_left"] = ANSWERS


def status_field(record: Record) -> str:
    return "CacheClusterStatus" if "CacheClusterStatus" in record else "Status"


def pass_time(store: Any) -> None:
    """One answer for each group, and one for each node without a group."""
    pass_group_time(store)
    pass_node_time(store)


def pass_group_time(store: Any) -> None:
    for name, group in list(store.groups.items()):
        if _is_over(group) and group["Status"] == "deleting":
            del store.groups[name]
            for member in group["MemberClusters"]:
                del store.clusters[member]
            continue
        for member in group["MemberClusters"]:
            store.clusters[member]["CacheClusterStatus"] = group["Status"]


def pass_node_time(store: Any) -> None:
    for name, node in list(store.clusters.items()):
        if "ReplicationGroupId" not in node and _is_over(node):
            del store.clusters[name]


def _is_over(record: Record) -> bool:
    """Whether a deletion has ended. Any other state that has ended becomes available."""
    if "answers_left" not in record:
        return False
    record["answers_left"] -= 1
    if record["answers_left"] >= 0:
        return False
    if record[status_field(record)] == "deleting":
        return True
    del record["answers_left"]
    record[status_field(record)] = "available"
    return False


def demand_available(record: Record, error: str) -> None:
    """AWS refuses changes, deletions and even the reading of tags in any other state."""
    status = record[status_field(record)]
    if status != "available":
        raise ElastiCacheException(error, f"It is {status}, not available.")


def install_database_states() -> None:
    """The same for RDS, whose databases also stop, start and reboot."""
    for name, status in (
        ("create_db_instance", "creating"),
        ("modify_db_instance", "modifying"),
        ("create_db_snapshot", "backing-up"),
        ("reboot_db_instance", "rebooting"),
        ("stop_db_instance", "stopping"),
        ("start_db_instance", "starting"),
    ):
        setattr(RDSBackend, name, _then(getattr(RDSBackend, name), status))
    RDSBackend.delete_db_instance = _slowly(RDSBackend.delete_db_instance)  # type: ignore[method-assign]
    answer = RDSResponse.describe_db_instances

    def answer_after_time(self: Any) -> Any:
        pass_database_time(self.backend)
        return answer(self)

    RDSResponse.describe_db_instances = answer_after_time  # type: ignore[method-assign]


def _then(call: Any, status: str) -> Any:
    def call_and_begin(self: Any, *args: Any, **named: Any) -> Any:
        asked = args[0] if args else named["db_instance_identifier"]
        name = asked["db_instance_identifier"] if status == "creating" else asked
        if name in self.databases and status not in ("creating", "starting"):
            _demand_database(self.databases[name])
        result = call(self, *args, **named)
        if status == "rebooting":
            self.databases[name].pending_reboot = False
        self.databases[name].status, self.databases[name].answers_left = status, ANSWERS
        return result

    return call_and_begin


def _slowly(delete: Any) -> Any:
    def begin_deletion(
        self: Any, db_instance_identifier: str, final_db_snapshot_identifier: Any = None,
        skip_final_snapshot: Any = False, delete_automated_backups: Any = True,
    ) -> Any:  # fmt: skip
        database = self.databases.get(db_instance_identifier)
        if database is None or database.deletion_protection:
            return delete(self, db_instance_identifier)  # which refuses
        _demand_database(database)
        if final_db_snapshot_identifier and not skip_final_snapshot:
            self.create_db_snapshot(db_instance_identifier, final_db_snapshot_identifier)
        database.status, database.answers_left = "deleting", ANSWERS
        database.delete_now = lambda: delete(self, db_instance_identifier)
        return database

    return begin_deletion


def _demand_database(database: Any) -> None:
    if database.status != "available":
        raise InvalidDBInstanceStateError(database.db_instance_identifier, "stop")


def pass_database_time(backend: Any) -> None:
    for database in list(backend.databases.values()):
        if getattr(database, "answers_left", None) is None:
            continue
        database.answers_left -= 1
        if database.answers_left < 0:
            deleting, database.answers_left = database.status == "deleting", None
            if deleting:
                database.delete_now()
            else:
                database.status = "stopped" if database.status == "stopping" else "available"
