"""Logging: one line per event on standard error, as JSON in production
(`coupons.observability.json_log`).

A log line identifies a person by an id only. A refused request has no log line.
"""

import logging
from typing import Any

from coupons.observability.json_log import JsonLineFormatter

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def log_configuration(*, level: str, as_json: bool) -> dict[str, Any]:
    """A `logging.config.dictConfig` dictionary."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
            "json": {"()": JsonLineFormatter},
        },
        "filters": {
            "unforeseen": {"()": "django.utils.log.CallbackFilter", "callback": _unforeseen},
        },
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "json" if as_json else "line",
            }
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # No line for each refused request (4xx).
            "django.request": {"level": "ERROR", "filters": ["unforeseen"]},
            # A foreign Host, too many fields, a missing CSRF token: answered 400 or 403, counted.
            # At Django's own level each is an error with a traceback: clients could flood the log.
            "django.security": {"level": "CRITICAL"},
        },
    }


def _unforeseen(record: logging.LogRecord) -> bool:
    """False for a 503: it means "paused", or its cause was logged where it was answered."""
    return getattr(record, "status_code", 500) != 503
