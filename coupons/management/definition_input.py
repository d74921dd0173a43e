"""A campaign's definition, or a part of it, as JSON from the command line, a file or a pipe."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from coupons.claims.stranger_json import json_from_stranger
from coupons.claims.stranger_text import OddValue
from coupons.claims.typed_fields import Fields, read_object
from coupons.errors import BadFields
from coupons.management.arguments import ASKED_WRONGLY, error_sentence

MOST_BYTES = 65_536
STANDARD_INPUT = Path("-")


def read_definition(text: str | None, file: Path | None, fields: Fields) -> dict[str, Any]:
    """The fields in `text`, or else in the file (`-`: standard input). Raises CommandError."""
    if text is None and file is None:
        raise _wrong("Give the definition by --json TEXT or --file FILE (- for standard input).")
    try:
        return read_object(_parse(text if text is not None else _text_of(file)), fields)
    except BadFields as wrong:
        faults: Any = wrong.extra()["errors"]
        sentences = (error_sentence(f"{fault['field']}: {fault['why']}") for fault in faults)
        raise _wrong(" ".join(sentences)) from None


def _text_of(file: Path | None) -> str:
    try:
        if file is None or file == STANDARD_INPUT:
            raw = sys.stdin.buffer.read(MOST_BYTES + 1)
        else:
            with file.open("rb") as opened:
                raw = opened.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            raise _wrong("The definition is longer than 64 kB.")
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _wrong("The definition is not text in UTF-8.") from None
    except OSError as error:
        raise _wrong(f"The definition can't be read: {error.strerror}.") from None


def _parse(text: str) -> Any:
    try:
        return json_from_stranger(text.encode(errors="surrogatepass"))
    except OddValue as odd:
        raise _wrong(f"The definition {odd}.") from None


def _wrong(sentence: str) -> CommandError:
    return CommandError(sentence, returncode=ASKED_WRONGLY)
