"""How systemd reads an EnvironmentFile: its own parser where this machine has it, and a reader of
ours that does the same (systemd.exec(5); src/basic/env-file.c), for machines that have not."""

import ctypes
import re
from collections.abc import Iterator
from pathlib import Path

_BLANK, _NEWLINE = " \t", "\n\r"
_NAME = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789")


def parse_env_file(text: str) -> dict[str, str]:
    """The variables that a unit gets. Raises ValueError if systemd refuses the whole file."""
    values: dict[str, str] = {}
    for name, value in _parse_pairs(text):
        _demand_text(value)
        if set(name) <= _NAME and not name[:1].isdigit():
            values[name] = value
    return values


def _parse_pairs(text: str) -> Iterator[tuple[str, str]]:
    """(name, value) pairs, parsed character by character with systemd's states."""
    state, name, value = "before", "", ""
    for sign in text:
        was, state = state, _next_state(state, sign)
        if was in _VALUE_STATES and state == "before":
            yield name.rstrip(_BLANK), _without_blanks(was, value)
        if state == "before":
            name = value = ""
        elif state == "name":
            name += sign
        elif was in _VALUE_STATES:
            value += _appended_text(was, sign)
    if state in _VALUE_STATES:
        yield name.rstrip(_BLANK), _without_blanks(state, value)


_VALUE_STATES = {"opened", "bare", "escaped", "single", "double", "escaped in double"}


def _next_state(state: str, sign: str) -> str:
    """The state behind this sign."""
    after = _AFTER[state]
    for signs, to in after.items():
        if sign in signs:
            return to
    return _OTHERWISE[state]


_AFTER: dict[str, dict[str, str]] = {
    "before": {"#;": "comment", _BLANK + _NEWLINE: "before"},
    "comment": {"\\": "escaped in comment", _NEWLINE: "before"},
    "escaped in comment": {},
    "name": {_NEWLINE: "before", "=": "opened"},
    "opened": {_NEWLINE: "before", "'": "single", '"': "double", "\\": "escaped", _BLANK: "opened"},
    "bare": {_NEWLINE: "before", "\\": "escaped"},
    "escaped": {},
    "single": {"'": "opened"},
    "double": {'"': "opened", "\\": "escaped in double"},
    "escaped in double": {},
}
_OTHERWISE = {
    "before": "name", "comment": "comment", "escaped in comment": "comment", "name": "name",
    "opened": "bare", "bare": "bare", "escaped": "bare", "single": "single", "double": "double",
    "escaped in double": "double",
}  # fmt: skip


def _appended_text(state: str, sign: str) -> str:
    """What is appended to the value. Trailing blanks of an unquoted value are removed later."""
    if _next_state(state, sign) in ("single", "double") and state == "opened":
        return ""
    if state == "escaped":
        return _SHIELD + (sign.strip(_NEWLINE) or _NOTHING)
    if state == "escaped in double":
        return sign if sign in '"\\`$' else "" if sign == "\n" else "\\" + sign
    if state == "opened":
        return "" if sign in _BLANK + "\\" else sign
    return "" if _next_state(state, sign) != state else sign


_SHIELD = "\0"  # before a sign that was escaped: a blank there is no trailing one
_NOTHING = "\1"  # an escaped end of a line, which ends a run of trailing blanks


def _without_blanks(state: str, value: str) -> str:
    bare = re.sub(r"(?<!\0)[ \t]+$", "", value) if state == "bare" else value
    return bare.replace(_SHIELD, "").replace(_NOTHING, "")


def _demand_text(value: str) -> None:
    for sign in value:
        number = ord(sign)
        if 0xD800 <= number <= 0xDFFF or 0xFDD0 <= number <= 0xFDEF or number & 0xFFFE == 0xFFFE:
            raise ValueError("not text")


_LIBRARIES = sorted(Path("/usr/lib").glob("*/systemd/libsystemd-shared-*.so"))


def is_here() -> bool:
    return bool(_LIBRARIES)


def libsystemd_path() -> Path:
    return _LIBRARIES[-1]


def read_by_systemd(file: Path) -> dict[str, str]:
    """Parse by systemd's own code, as a service manager calls it. Raises OSError if it refuses."""
    systemd = ctypes.CDLL(str(libsystemd_path()))
    lines = ctypes.POINTER(ctypes.c_char_p)()
    code = systemd.load_env_file(None, str(file).encode(), ctypes.byref(lines))
    if code < 0:
        raise OSError(-code, "systemd refuses the file")
    systemd.strv_env_clean_with_callback.restype = ctypes.c_void_p
    systemd.strv_env_clean_with_callback(lines, None, None)
    found, number = {}, 0
    while lines and (line := lines[number]):
        name, _, value = line.decode().partition("=")
        found[name], number = value, number + 1
    return found
