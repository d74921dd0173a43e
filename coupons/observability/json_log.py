"""A log line as a JSON object. Separate from `config.logs`, so that a process that only writes log
lines (the main process of granian) does not import the application.

    {"at": "2026-11-22T03:00:00.123Z", "level": "ERROR", "logger": "coupons.drain", "process": 17,
     "said": "…", "request": "id of the request, if there is one", "trace": "of an exception"}
"""

import json
import logging
from datetime import UTC, datetime
from typing import Any

from coupons.observability import request_id


class AsJson(logging.Formatter):
    """One JSON object per line. JSON escapes line breaks, so a message can't forge log lines."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields: dict[str, Any] = {
            "at": at.replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "process": record.process,
            "said": record.getMessage(),
        }
        if request := request_id.current_request_id():
            fields["request"] = request
        if record.exc_info:
            fields["trace"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False)
