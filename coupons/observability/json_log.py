"""A log line as a JSON object. Separate from `config.logs`, so that a process that only writes log
lines (the main process of granian) does not import the application.

    {"level": "ERROR", "logger": "coupons.drain", "process": 17, "message": "…",
     "exc_info": "the traceback of an exception", "timestamp": "2026-11-22T03:00:00.123456+00:00",
     "request_id": "if there is one"}
"""

from logging import LogRecord
from typing import Any

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from coupons.observability import request_id

_ATTRIBUTES = {"levelname": "level", "name": "logger", "process": "process", "message": "message"}
_ERRORS = ("exc_info", "stack_info")
_FIELDS = {*_ATTRIBUTES.values(), *_ERRORS, "timestamp"}
# JSON escapes the control characters below 32. Some programs take these for line breaks or for
# commands to a terminal.
_ESCAPES = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), 0x2028, 0x2029)}


class JsonLineFormatter(JsonFormatter):
    """One JSON object per line, whatever is logged: a message can't forge log lines."""

    def __init__(self) -> None:
        super().__init__(
            list(_ATTRIBUTES),
            rename_fields=_ATTRIBUTES,
            reserved_attrs=[*RESERVED_ATTRS, *_FIELDS],
            timestamp=True,
            json_ensure_ascii=False,
        )

    def add_fields(
        self, log_data: dict[str, Any], record: LogRecord, message_dict: dict[str, Any]
    ) -> None:
        record.message = record.getMessage()  # also if it is a dict, whose items are no fields
        errors = {name: message_dict[name] for name in _ERRORS if name in message_dict}
        super().add_fields(log_data, record, errors)

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Without the `extra` of libraries, such as a request or a task's arguments."""
        line = {name: value for name, value in log_data.items() if name in _FIELDS}
        if current := request_id.current_request_id():
            line["request_id"] = current
        return line

    def serialize_log_record(self, log_data: dict[str, Any]) -> str:
        return super().serialize_log_record(log_data).translate(_ESCAPES)
