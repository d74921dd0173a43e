"""Metrics of all SQL statements (durations) and database connections (a count)."""

from time import perf_counter
from typing import Any

from coupons.observability import metrics


def count_queries(connection: Any, **_: Any) -> None:
    """Receiver of Django's `connection_created`: count the connection and time its statements."""
    metrics.DATABASE_CONNECTIONS.inc()
    if _time_statement not in connection.execute_wrappers:  # wrappers stay over a reconnection
        connection.execute_wrappers.append(_time_statement)


def _time_statement(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
    began_s, end = perf_counter(), "failed"
    try:
        result = execute(sql, parameters, many, context)
        end = "done"
        return result
    finally:
        metrics.DATABASE_SECONDS.labels(end).observe(perf_counter() - began_s)
