"""Quotes values for files and URLs of other programs, by the rules of each program."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from ansible.errors import AnsibleFilterError

LONGEST = 16_384  # bytes of one value; the kernel's own limit for a variable is 131,072


def unfit(value: Any) -> str:
    """Why an environment file can't hold this value; empty: it can. Never shows the value.

    systemd refuses a file that isn't UTF-8 as it reads it (no surrogates, no noncharacters); a
    variable with a control character is left out, with a warning only, by some of its versions.
    """
    text = str(value)
    if any(0xD800 <= ord(sign) <= 0xDFFF for sign in text):
        return "holds half a character (a surrogate)"
    if any(_is_no_character(ord(sign)) for sign in text):
        return "holds a code point that is no character"
    if "\n" in text or "\r" in text:
        return "holds a line break"
    if any(unicodedata.category(sign) == "Cc" for sign in text):
        return "holds a control character"
    if len(text.encode()) > LONGEST:
        return f"is longer than {LONGEST} bytes"
    return ""


def unfit_settings(settings: Mapping[str, Any]) -> list[str]:
    """A sentence for each setting that can't be written, by its name."""
    return [f"{name} {why}" for name, value in settings.items() if (why := unfit(value))]


def env_line(value: Any, name: str) -> str:
    """A line of an environment file that systemd and sh read in the same way, for any value."""
    if why := unfit(value):
        raise AnsibleFilterError(f"{name} can't be written to an environment file: it {why}.")
    return f"{name}='" + str(value).replace("'", "'\"'\"'") + "'"


def redis_word(value: Any) -> str:
    """A word of redis.conf, as its own splitter (sdssplitargs) reads it."""
    plain = {sign: chr(sign) for sign in range(0x21, 0x7F)} | {0x22: '\\"', 0x5C: "\\\\"}
    return '"' + "".join(plain.get(sign, f"\\x{sign:02x}") for sign in _utf8(value)) + '"'


def unit_word(value: Any) -> str:
    """One word of a unit's ExecStart: quoted, with nothing that systemd would expand."""
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("%", "%%").replace("$", "$$") + '"'


def url_part(value: Any, safe: str = "") -> str:
    """Percent-encode all but letters, digits, `-._~` and `safe`."""
    return quote(_utf8(value), safe=safe)


def env_list(values: list[Any]) -> str:
    """Texts as one value: joined by commas, or as JSON if splitting would not restore them."""
    texts = [str(value) for value in values]
    plain = ",".join(texts)
    if plain.startswith("[") or texts != [
        text.strip() for text in plain.split(",") if text.strip()
    ]:
        return json.dumps(texts, ensure_ascii=False) if texts else ""
    return plain


def keys_by_id(secrets: list[str]) -> list[dict[str, str]]:
    """Keys of codes, newest first, with their ids: the first that there ever was is k1."""
    return [
        {"id": f"k{len(secrets) - older}", "secret": secret} for older, secret in enumerate(secrets)
    ]


def waiting_last(newest_first: list[Any], waits: bool) -> list[Any]:
    """With `waits` the newest of several comes last: accepted, but nothing is made with it."""
    return [*newest_first[1:], *newest_first[:1]] if waits else newest_first


def _utf8(value: Any) -> bytes:
    try:
        return str(value).encode()
    except UnicodeEncodeError:
        raise AnsibleFilterError("A value holds half a character (a surrogate).") from None


def _is_no_character(sign: int) -> bool:
    return 0xFDD0 <= sign <= 0xFDEF or sign & 0xFFFE == 0xFFFE


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        named = (
            unfit, unfit_settings, env_line, env_list, redis_word, unit_word, url_part, keys_by_id,
            waiting_last,
        )  # fmt: skip
        return {f"coupon_{function.__name__}": function for function in named}
