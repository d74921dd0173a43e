"""The digest of measured code is the same on every version of Python."""

import ast
from pathlib import Path

import pytest

from tests.bench import measured_file

CODE = '''
"""Words."""
from __future__ import annotations
import asyncio as a
X: dict[str, int | None] = {**{}, "이름\\N{ZERO WIDTH SPACE}": -1_000, 'b': None}
Y = 1e300, 2j, b"\\xff", ..., (lambda p, /, q=1, *r, s, t=None, **u: p if q else (yield)), X["b":]
@a.wraps(len)
class C(dict, metaclass=type):
    "words"
    async def f(self, *names: str) -> list[str]:
        """Words."""
        async with a.timeout(1) as t, t:
            return [f"{n!r:>{len(n)}} {{}}" "!" f"{n=}{n:%Y}" async for n in self if n if not t]
    def g(self): ""
def h(n: int):
    try:
        while (k := n) > 0 < 1 and n not in X: n -= 1; continue
        else: raise ValueError(n) from None
    except* (ValueError, OSError) as e: del e
    finally: global Z; Z = ~n
    match n:
        case {"a": [1, *rest], **more} if more: pass
        case C(x=0) | None | 1.5: assert rest, ""
        case _: a.run(*[], **{})
'''
DIGEST = "5309880629addc07"


def test_the_digest_of_some_code_is_the_same_on_every_python(tmp_path: Path) -> None:
    """Code of every kind that was there before 3.12; a version that fails reads it differently."""
    (tmp_path / "code.py").write_text(CODE)
    assert measured_file.code_digest(["code.py"], tmp_path) == DIGEST


def _own_nodes(tree: ast.AST) -> list[ast.AST]:
    """Without those that Python shares between all trees, such as `Load` and `Add`."""
    return [node for node in ast.walk(tree) if isinstance(node, ast.stmt | ast.expr)]


def test_an_absent_field_is_as_an_empty_one() -> None:
    whole, bare = ast.parse(CODE), ast.parse(CODE)
    for node in _own_nodes(bare):
        filled = [name for name, value in ast.iter_fields(node) if value not in (None, [])]
        node._fields = tuple(filled)  # type: ignore[misc]
    assert [node._fields for node in _own_nodes(whole)] != [n._fields for n in _own_nodes(bare)]
    assert measured_file.syntax_text(whole) == measured_file.syntax_text(bare)


@pytest.mark.parametrize(("value", "same"), [(None, True), ([], True), ([ast.Pass()], False)])
def test_a_later_version_s_field_counts_when_it_is_filled(value: object, same: bool) -> None:
    """As 3.12 gave functions and classes type parameters."""
    before, after = ast.parse(CODE), ast.parse(CODE)
    for node in _own_nodes(after):
        node._fields = ("later", *node._fields)  # type: ignore[misc]
        node.later = value  # type: ignore[attr-defined]
    assert (measured_file.syntax_text(before) == measured_file.syntax_text(after)) is same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1", "x = True"),
        ("x = 1", "x = 1.0"),
        ("x = 1", "x = '1'"),
        ("x = 'a'", "x = b'a'"),
        ("return", "return 0"),
        ("f()", "f(None)"),
        ("f(a)", "f(*a)"),
        ("f(a)", "f(a=a)"),
        ("x = []", "x = ()"),
        ("x = {**a}", "x = {None: a}"),
        ("x = a[:1]", "x = a[1:]"),
        ("x = a + b", "x = a - b"),
        ("x = f'{a}'", "x = f'{a!r}'"),
        ("x = f'{a:1}'", "x = f'{a:2}'"),
        ("import a", "import a as b"),
        ("from . import a", "from .. import a"),
        ("def f(a): pass", "def f(*, a): pass"),
        ("def f(*, a, b=1): pass", "def f(*, a=1, b): pass"),
        ("def f(): pass", "async def f(): pass"),
        ("def f(): pass", "@g\ndef f(): pass"),
        ("if a: f()\ng()", "if a:\n f()\n g()"),
        ("if a: f()\nelse: g()", "if a: g()\nelse: f()"),
        ("try: f()\nexcept A: pass", "try: f()\nexcept* A: pass"),
    ],
)
def test_other_code_has_another_digest(one: str, other: str) -> None:
    assert measured_file.syntax_text(ast.parse(one)) != measured_file.syntax_text(ast.parse(other))


def test_words_of_an_async_function_are_no_code(tmp_path: Path) -> None:
    digests = []
    for words in ("Old.", "New."):
        (tmp_path / "code.py").write_text(f'async def f():\n    """{words}"""\n    return 1\n')
        digests.append(measured_file.code_digest(["code.py"], tmp_path))
    assert digests[0] == digests[1]
