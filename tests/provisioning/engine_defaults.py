"""Parameters as AWS describes them: all that the engine has, a hundred to a page, each with its
source. One that was set to the engine's default has the source of the default, not `user`. moto
knows only those that were set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from moto.core.responses import ActionResult
from moto.rds.exceptions import DBParameterGroupNotFoundError
from moto.rds.responses import RDSResponse

MOST = 100  # parameters in an answer
ENGINE, SYSTEM, USER = "engine-default", "system", "user"
# name: (value, source); RDS' own choices have the source `system`.
MYSQL = {
    "character_set_server": ("utf8mb4", ENGINE),
    "innodb_flush_log_at_trx_commit": ("1", ENGINE),
    "log_output": ("TABLE", SYSTEM),
    "long_query_time": ("10", ENGINE),
    "require_secure_transport": ("0", ENGINE),
    "slow_query_log": ("0", ENGINE),
    "sync_binlog": ("1", SYSTEM),
}
CACHE = {"maxmemory-policy": ("volatile-lru", SYSTEM), "timeout": ("0", SYSTEM)}
OTHERS = 250  # more of MySQL, most of them without a value


def install_engine_defaults() -> None:
    def describe_db_parameters(self: Any) -> ActionResult:
        name = self._get_param("DBParameterGroupName")
        groups = self.backend.describe_db_parameter_groups({"db_parameter_group_name": name})
        if not groups:
            raise DBParameterGroupNotFoundError(name)
        given = {key: one["ParameterValue"] for key, one in groups[0].parameters.items()}
        defaults = {**MYSQL, **{f"auto_{number:03}": (None, ENGINE) for number in range(OTHERS)}}
        if (groups[0].family or "").endswith("8.4"):
            defaults["require_secure_transport"] = ("1", ENGINE)
        return ActionResult(page_of_parameters(defaults, given, self._get_param))

    RDSResponse.describe_db_parameters = describe_db_parameters  # type: ignore[method-assign]


def page_of_parameters(
    defaults: Mapping[str, tuple[str | None, str]], given: Mapping[str, str], asked: Any
) -> dict[str, Any]:
    """The answer to the request whose parameters `asked` gives by name."""
    wanted = asked("Source")
    described = [
        one for one in _described(defaults, given) if not wanted or one["Source"] == wanted
    ]
    start = int(asked("Marker") or 0)
    end = start + int(asked("MaxRecords") or MOST)
    more = {"Marker": str(end)} if end < len(described) else {}
    return {"Parameters": described[start:end], **more}


def _described(
    defaults: Mapping[str, tuple[str | None, str]], given: Mapping[str, str]
) -> Iterator[dict[str, str]]:
    for name in sorted({*defaults, *given}):
        usual, source = defaults.get(name, (None, ENGINE))
        value = given.get(name, usual)
        yield {
            "ParameterName": name,
            "Source": source if value == usual else USER,
            **({} if value is None else {"ParameterValue": value}),
        }
