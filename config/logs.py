"""Where log lines go: one per event on standard error, as JSON in production.

    {"at": "2026-11-22T03:00:00.123Z", "level": "ERROR", "logger": "coupons.drain", "process": 17,
     "said": "…", "request": "id of the request, if there is one", "trace": "of an exception"}

Who logs says no more of a person than an id. A refusal is an answer, not an event: it has no line.
"""

import json
import logging
from datetime import UTC, datetime
from typing import Any

from coupons import trace


class AsJson(logging.Formatter):
    """A line that machines read. JSON keeps line breaks in a message from forging lines."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        said: dict[str, Any] = {
            "at": at.replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "process": record.process,
            "said": record.getMessage(),
        }
        if request := trace.current():
            said["request"] = request
        if record.exc_info:
            said["trace"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False)


def configuration(*, level: str, as_json: bool) -> dict[str, Any]:
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
        },
    }


def _unforeseen(record: logging.LogRecord) -> bool:
    """A 503 is "paused", an answer again, or was logged with its cause where it was told."""
    return getattr(record, "status_code", 500) != 503
