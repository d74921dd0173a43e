"""Where log lines go: one line per event on standard error."""

from typing import Any


def configuration(*, level: str) -> dict[str, Any]:
    """A `logging.config.dictConfig` dictionary."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # A refusal is an answer, not an event: no line for each 4xx.
            "django.request": {"level": "ERROR"},
        },
    }
