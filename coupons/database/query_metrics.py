"""Every SQL statement is timed, and every connection counted, wherever it is made."""

from time import perf_counter
from typing import Any

from coupons.observability import hot_counters, metrics


def count_queries(connection: Any, **_: Any) -> None:
    """Receives Django's `connection_created`."""
    metrics.DATABASE_CONNECTIONS.inc()
    if _timed not in connection.execute_wrappers:  # they outlive a reconnection
        connection.execute_wrappers.append(_timed)


def _timed(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
    began_s, failed = perf_counter(), True
    try:
        result = execute(sql, parameters, many, context)
        failed = False
        return result
    finally:
        hot_counters.count_statement(perf_counter() - began_s, failed=failed)
