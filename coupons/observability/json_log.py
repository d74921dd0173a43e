"""A log line as a JSON object. Separate from `config.logs`, so that a process that only writes log
lines (the main process of granian) does not import the application.

    {"level": "ERROR", "logger": "coupons.drain", "process": 17, "message": "…",
     "exc_info": "the traceback of an exception", "timestamp": "2026-11-22T03:00:00.123456+00:00",
     "request_id": "if there is one"}
"""

from logging import Formatter, LogRecord
from typing import Any

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from coupons.observability import request_id

_ATTRIBUTES = {"levelname": "level", "name": "logger", "process": "process", "message": "message"}
_ERRORS = ("exc_info", "stack_info")
_FIELDS = {*_ATTRIBUTES.values(), *_ERRORS, "timestamp"}
# JSON escapes the control characters below 32. Some programs take these for line breaks or for
# commands to a terminal.
# A message may repeat what a stranger sent: a header of 400 kB, a name of 65 kB.
MOST_MESSAGE, MOST_TRACE = 2_000, 12_000  # characters; of a trace its beginning and its end
_CUT = " … "
_ESCAPES = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), 0x2028, 0x2029)}


_LINE_ESCAPES = {code: f"\\u{code:04x}" for code in range(0x20)}


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

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        return cut_middle(str(super().formatException(ei)))

    def add_fields(
        self, log_data: dict[str, Any], record: LogRecord, message_dict: dict[str, Any]
    ) -> None:
        # Also if it is a dict, whose items are no fields.
        record.message = cut_end(record.getMessage())
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


class LineFormatter(Formatter):
    """The same as text, for a terminal: control characters of a message are escaped."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: LogRecord) -> str:  # noqa: N802 - logging's name
        record.message = cut_end(record.message).translate(_ESCAPES | _LINE_ESCAPES)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        return cut_middle(super().formatException(ei))


def cut_end(text: str) -> str:
    return text if len(text) <= MOST_MESSAGE else text[:MOST_MESSAGE] + _CUT


def cut_middle(text: str) -> str:
    half = MOST_TRACE // 2
    return text if len(text) <= MOST_TRACE else text[:half] + _CUT + text[-half:]
