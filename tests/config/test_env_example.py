"""`.env.example` lists exactly the settings of the source, each with its unit and default."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import env

READERS = {
    "text", "secret", "file", "integer", "seconds", "boolean", "listing", "networks",
    "secrets_by_id", "choice", "addresses", "store_url", "secret_texts", "folder",
    "optional_store_url",
    "time_zone", "origins",
}  # fmt: skip
NUMBERS = {"integer", "seconds"}
UNITS = re.compile(
    r"seconds|milliseconds|MiB|rows|claims|connections|replicas|port|people|coupons|requests|codes",
    re.IGNORECASE,
)
# Not read through a reader: the environment is needed before all other settings.
OTHERS = {"COUPONS_ENV", "ENV_FILES"}


def config_sources() -> Iterator[Path]:
    return (env.BASE_DIR / "config").rglob("*.py")


def reader_calls() -> Iterator[tuple[str, str, ast.Call]]:
    """(name of the setting, name of the reader, call) for each setting that is read."""
    for file in config_sources():
        for node in ast.walk(ast.parse(file.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            of = node.func.value
            if isinstance(of, ast.Name) and of.id == "env" and node.func.attr in READERS:
                name = node.args[0]
                assert isinstance(name, ast.Constant), f"{file}:{node.lineno}: a name we can't see"
                yield str(name.value), node.func.attr, node


def listed_settings() -> dict[str, tuple[str, str]]:
    """The settings of the example: name → (comment above it, value)."""
    found: dict[str, tuple[str, str]] = {}
    comment: list[str] = []
    for line in (env.BASE_DIR / ".env.example").read_text().splitlines():
        setting = re.fullmatch(r"#?([A-Z][A-Z0-9_]*)=(.*)", line)
        if setting:
            assert setting[1] not in found, f"{setting[1]} is listed twice"
            found[setting[1]] = (" ".join(comment), setting[2])
            comment = []
        else:
            comment = [*comment, line[2:]] if line.startswith("# ") else []
    return found


def test_the_source_is_seen_to_read_settings() -> None:
    assert {"REDIS_URL", "DATABASE_URL", "DRAIN_BATCH", "SECRET_KEY"} <= {
        n for n, _, _ in reader_calls()
    }


def test_every_setting_is_listed_and_every_listed_one_is_read() -> None:
    assert set(listed_settings()) == {name for name, _, _ in reader_calls()} | OTHERS


def test_every_setting_says_what_it_is_and_every_number_in_what_unit() -> None:
    readers = {name: reader for name, reader, _ in reader_calls()}
    for name, (comment, _) in listed_settings().items():
        assert len(comment) > 10, f"{name} has no comment"
        if readers.get(name) in NUMBERS:
            assert UNITS.search(comment), f"{name} has no unit"


def _literal_defaults(call: ast.Call) -> list[object]:
    """The defaults of a call, if they are literals."""
    given = [*call.args[1:], *(k.value for k in call.keywords if k.arg in ("default", "local"))]
    return [node.value for node in given if isinstance(node, ast.Constant)]


@pytest.mark.parametrize(
    ("name", "reader", "call"),
    list(reader_calls()),
    ids=lambda part: part[:24] if isinstance(part, str) else "",
)
def test_the_default_is_as_listed(name: str, reader: str, call: ast.Call) -> None:
    value = listed_settings()[name][1]
    for default in _literal_defaults(call):
        if reader in NUMBERS:
            assert isinstance(default, int | float)
            assert float(value) == float(default)
        elif reader == "boolean":
            assert value == ("yes" if default else "no")
        else:
            assert value == default
