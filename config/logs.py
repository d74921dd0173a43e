"""Where log lines go: one line per event on standard error."""

import logging
from typing import Any


def configuration(*, level: str) -> dict[str, Any]:
    """A `logging.config.dictConfig` dictionary."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
        },
        "filters": {
            "unforeseen": {"()": "django.utils.log.CallbackFilter", "callback": _unforeseen},
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # A refusal is an answer, not an event: no line for each 4xx.
            "django.request": {"level": "ERROR", "filters": ["unforeseen"]},
        },
    }


def _unforeseen(record: logging.LogRecord) -> bool:
    """A 503 is "paused", an answer again, or was logged with its cause where it was told."""
    return getattr(record, "status_code", 500) != 503
