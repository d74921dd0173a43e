"""Rows as a file that is streamed: CSV, or JSON lines."""

import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson
from defusedcsv import csv
from django.http import StreamingHttpResponse

_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}
FORMS = tuple(_TYPES)


def row_file(
    rows: Iterable[dict[str, Any]], columns: Sequence[str], form: str, name: str
) -> StreamingHttpResponse:
    """Each row has all the columns. `form`: one of FORMS; `name`: of the file, without its end."""
    lines = _csv_lines(rows, columns) if form == "csv" else _json_lines(rows)
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
    return StreamingHttpResponse(lines, content_type=_TYPES[form], headers=headers)


def _json_lines(rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    for row in rows:
        yield orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def _csv_lines(rows: Iterable[dict[str, Any]], columns: Sequence[str]) -> Iterator[bytes]:
    """A formula gets a quote in front of it."""
    yield ",".join(columns).encode() + b"\r\n"
    for row in rows:
        line = io.StringIO()
        values = [row[name] for name in columns]
        csv.writer(line).writerow([
            orjson.dumps(value).decode() if isinstance(value, dict) else value for value in values
        ])  # fmt: skip
        yield line.getvalue().encode()
