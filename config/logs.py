"""Where log lines go: one per event on standard error, as JSON in production
(`coupons.observability.json_log`).

Who logs says no more of a person than an id. A refusal is an answer, not an event: it has no line.
"""

import logging
from typing import Any

from coupons.observability.json_log import AsJson

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def log_configuration(*, level: str, as_json: bool) -> dict[str, Any]:
    """A `logging.config.dictConfig` dictionary."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
            "json": {"()": AsJson},
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
            # A refusal is an answer, not an event: no line for each 4xx.
            "django.request": {"level": "ERROR", "filters": ["unforeseen"]},
            # A foreign Host, too many fields, a missing CSRF token: answered 400 or 403, counted.
            # By Django's own level each is an error with a traceback, which strangers may write.
            "django.security": {"level": "CRITICAL"},
        },
    }


def _unforeseen(record: logging.LogRecord) -> bool:
    """A 503 is "paused", an answer again, or was logged with its cause where it was told."""
    return getattr(record, "status_code", 500) != 503
