"""Metrics of all SQL statements (durations) and database connections (a count)."""

from time import perf_counter
from typing import Any

from coupons.observability import hot_counters, metrics


def count_queries(connection: Any, **_: Any) -> None:
    """Receiver of Django's `connection_created`: count the connection and time its statements."""
    metrics.DATABASE_CONNECTIONS.inc()
    if _time_statement not in connection.execute_wrappers:  # wrappers stay over a reconnection
        connection.execute_wrappers.append(_time_statement)


def _time_statement(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
    began_s, failed = perf_counter(), True
    try:
        result = execute(sql, parameters, many, context)
        failed = False
        return result
    finally:
        hot_counters.count_statement(perf_counter() - began_s, failed=failed)
