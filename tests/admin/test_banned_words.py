"""INSERT IGNORE is banned: it hides a place taken twice, and truncates values that are too long.

`ignore_conflicts=True` is the same under another name. Docstrings and comments may speak of them.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PRODUCT = ("coupons", "config", "manage.py")
BANNED = re.compile(r"\binsert\s+(?:\w+\s+)*?ignore\b", re.IGNORECASE)
OPTION = "ignore_conflicts"


def banned_lines(source: str) -> list[int]:
    """Line numbers of Python code that uses either."""
    tree = ast.parse(source)
    spoken = {id(text) for text in _documented_nodes(tree)}
    return [
        node.lineno
        for node in ast.walk(tree)
        if (isinstance(node, ast.Constant) and id(node) not in spoken and _is_banned(node.value))
        or (isinstance(node, ast.JoinedStr) and BANNED.search(_literal_parts(node)))
        or (isinstance(node, ast.Call) and any(word.arg == OPTION for word in node.keywords))
    ]


def _documented_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value  # a string whose value is not used


def _is_banned(value: object) -> bool:
    return isinstance(value, str) and (value == OPTION or bool(BANNED.search(value)))


def _literal_parts(text: ast.JoinedStr) -> str:
    return "".join(
        str(part.value) if isinstance(part, ast.Constant) else "x" for part in text.values
    )


def product_files() -> Iterator[Path]:
    for name in PRODUCT:
        path = Path(name)
        yield from (
            [path]
            if path.is_file()
            else (file for file in path.rglob("*") if file.suffix in (".py", ".lua", ".sql"))
        )


def test_the_product_ignores_no_conflict() -> None:
    read = list(product_files())
    assert Path("coupons/issuing/writer.py") in read
    for file in read:
        source = file.read_text()
        found = banned_lines(source) if file.suffix == ".py" else BANNED.findall(source)
        assert not found, f"{file}: {found}"


@pytest.mark.parametrize(
    "planted",
    [
        'cursor.execute("INSERT IGNORE INTO t VALUES (1)")',
        'cursor.execute("insert  into t" if x else "insert\\n ignore into t")',
        'cursor.execute(f"INSERT IGNORE INTO {table}")',
        'cursor.execute("INSERT " "IGNORE INTO t")',
        'cursor.execute("INSERT LOW_PRIORITY IGNORE INTO t")',
        "Coupon.objects.bulk_create(rows, ignore_conflicts=True)",
        'options = {"ignore_conflicts": True}',
        "setattr(x, 'ignore_conflicts', 1)",
    ],
)
def test_it_finds_a_planted_one(planted: str) -> None:
    assert banned_lines(planted)


@pytest.mark.parametrize(
    "innocent",
    [
        '"""INSERT IGNORE has no place here."""',
        "# INSERT IGNORE\nx = 1",
        'cursor.execute("INSERT INTO t VALUES (1)")',
        'text = "we insert it; ignore the rest"',
        "Coupon.objects.bulk_create(rows)",
    ],
)
def test_it_lets_the_innocent_pass(innocent: str) -> None:
    assert banned_lines(innocent) == []
