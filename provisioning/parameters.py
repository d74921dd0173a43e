"""Types of command-line options: wrong values are refused before any call to AWS."""

from __future__ import annotations

import os
import re
from pathlib import Path

import click

AT_ONCE = click.IntRange(1, 64)
HOSTS = click.IntRange(1, 50)  # as `count` in a spec
LCU = click.IntRange(100, 100_000)  # AWS reserves no less; its quota says how many at most
_HOST = re.compile(r"[0-9A-Za-z]([0-9A-Za-z.:-]{0,252}[0-9A-Za-z])?")
_ACCOUNT = re.compile(r"\*|[0-9]{12}")


class Name(click.ParamType[str]):
    """Printable text that is not blank."""

    name = "name"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not value.strip() or not value.isprintable():
            self.fail(f"{value!r} is no name.", param, ctx)
        return value


class Folder(click.ParamType[str]):
    """A folder that can be written into; it need not exist yet. Empty: the default one."""

    name = "folder"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not value:
            return value
        path = Path(value).absolute()
        existing = next(candidate for candidate in (path, *path.parents) if candidate.exists())
        if not value.strip() or not existing.is_dir() or not os.access(existing, os.W_OK):
            self.fail(f"{value!r} is no folder that can be written.", param, ctx)
        return value


class Matching(click.ParamType[str]):
    """A text that matches a pattern, or the option's default."""

    def __init__(self, form: re.Pattern[str], name: str) -> None:
        self.form, self.name = form, name

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        is_default = param is not None and value == param.default
        if not is_default and not self.form.fullmatch(value):
            self.fail(f"{value!r} is no {self.name}.", param, ctx)
        return value


HOST = Matching(_HOST, "address of a host")
ACCOUNT = Matching(_ACCOUNT, "number of an account: it has twelve digits")
