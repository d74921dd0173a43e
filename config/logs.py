"""Logging: one line per event on standard error, as JSON in production
(`coupons.observability.json_log`).

A log line identifies a person by an id only. A refused request has no log line; what Django refuses
for security has one a second (`config.log_limits`). No line is longer than a few kilobytes.
"""

import logging
from typing import Any

from coupons.observability.json_log import JsonLineFormatter, LineFormatter

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def log_configuration(*, level: str, as_json: bool) -> dict[str, Any]:
    """A `logging.config.dictConfig` dictionary."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {"()": LineFormatter},
            "json": {"()": JsonLineFormatter},
        },
        "filters": {
            "unforeseen": {"()": "django.utils.log.CallbackFilter", "callback": _unforeseen},
            "rare": {"()": "config.log_limits.RareLines"},
        },
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "json" if as_json else "line",
                "filters": ["rare"],
            }
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # No line for each refused request (4xx).
            "django.request": {"level": "ERROR", "filters": ["unforeseen"]},
        },
    }


def _unforeseen(record: logging.LogRecord) -> bool:
    """False for a 503: it means "paused", or its cause was logged where it was answered."""
    return getattr(record, "status_code", 500) != 503
