"""Texts that attack whoever shows them, and what a page, a CSV or a JSON document must not make of
them. Each is at most 32 bytes, so that it fits into every text column, and has the MARK."""

import csv
import io
import json
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

MARK = "zq7x"
PROBES = (
    f"<script>{MARK}</script>", f'"><img {MARK} onerror={MARK}>', f"' {MARK}=1 onclick={MARK} x='",
    f"javascript:{MARK}//", f"</textarea><{MARK}>", f"</script><{MARK}>", f"--><{MARK}>",
    f"<{MARK} ", f"</title><{MARK}>", f"&lt;{MARK}&gt;&#60;{MARK}>", f"<svg/onload={MARK}>",
    "{{7*7}}" + MARK + "{% debug %}", "${7*7}" + MARK + "#{7*7}%(x)s%s{0}", f"{MARK}' OR 1=1 --",
    f'{MARK}"; DROP TABLE x; --', f"{MARK}\r\nSet-Cookie: {MARK}=1", f"={MARK}+1", f"+{MARK}",
    f"-{MARK}", f"@{MARK}", f"\t={MARK}", f"=cmd|'/c {MARK}'!A0", f"../../etc/passwd/{MARK}",
    f"{MARK}\u202eevil\u2066", f'{MARK}","x":"', f"{MARK}\x00\x1b[2J",
)  # fmt: skip
COMPUTED = ("49" + MARK,)  # of {{7*7}} and ${7*7}
_FORMULA = ("=", "+", "-", "@")  # no entry accepts a tab or a line end in an id
# Attributes that a browser takes for text, whatever is in them.
_TEXT = {"title", "value", "alt", "content", "placeholder", "datetime", "id", "class", "for"}
_ADDRESS = {"href", "action", "src", "formaction"}


class _Page(HTMLParser):
    """Collects what a browser would do because of the mark."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._in = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in = tag if tag in ("script", "style") else ""
        if ("type", "application/json") in attrs:
            self._in = "json"
        if MARK in tag:
            self.found.append(f"an element <{tag}>")
        for name, value in attrs:
            if MARK in name or (MARK in (value or "") and not _is_inert(name, value or "")):
                self.found.append(f"an attribute {name}={value!r} of <{tag}>")

    def handle_endtag(self, tag: str) -> None:
        self._in = ""

    def handle_data(self, data: str) -> None:
        if self._in == "json":
            json.loads(data)
        elif self._in and MARK in data:
            self.found.append(f"text of <{self._in}>")

    def handle_comment(self, data: str) -> None:
        if MARK in data:
            self.found.append("a comment")


def _is_inert(name: str, value: str) -> bool:
    if name in _ADDRESS:
        return urlsplit(value).scheme in ("", "http", "https") and not value.startswith("//")
    return name in _TEXT or name.startswith(("data-", "aria-"))


def faults_of_page(text: str) -> list[str]:
    page = _Page()
    page.feed(text)
    page.close()
    return page.found + [f"computed {each}" for each in COMPUTED if each in text]


def faults_of_csv(text: str, columns: int) -> list[str]:
    """The last line is a remark. `columns` 0: as many as the first line has."""
    rows = list(csv.reader(io.StringIO(text, newline="")))[:-1]
    columns = columns or (len(rows[0]) if rows else 0)
    wide = [f"{len(row)} columns" for row in rows if len(row) != columns]
    return wide + [f"a formula {cell!r}" for row in rows for cell in row if cell[:1] in _FORMULA
                   and cell]  # fmt: skip


def faults_of_lines(text: str) -> list[str]:
    """JSON, one document in each line."""
    for line in text.splitlines() if "\n{" in text else [text]:
        json.loads(line)
    return []


def faults_of_answer(answer: Any, columns: int) -> list[str]:
    """Of an answer of any kind, by its Content-Type."""
    streamed = b"".join(answer.streaming_content) if answer.streaming else answer.content
    text, kind = streamed.decode(), answer.get("Content-Type", "")
    found = [f"status {answer.status_code}"] if answer.status_code >= 500 else []
    found += [
        f"a header {name}" for name, value in answer.items() if "\r" in value or "\n" in value
    ]
    found += ["a cookie"] if MARK in answer.cookies else []
    if "html" in kind or "svg" in kind:
        return found + faults_of_page(text)
    if "csv" in kind:
        return found + faults_of_csv(text, columns)
    if "json" in kind and text:
        return found + faults_of_lines(text)
    return found + (["a text of no known kind"] if MARK in text else [])
