"""The FastAPI peer calls the product's script, and must follow its changes."""

import ast
import re

from tests.load.conftest import TOP


def test_the_peer_calls_the_script_as_it_is() -> None:
    """Otherwise only `make compare` would detect it, by a peer that fails every claim."""
    script = (TOP / "coupons/store/lua/admit.lua").read_text()
    peer = ast.parse((TOP / "locust" / "compare" / "fastapi_peer.py").read_text())
    (call,) = (
        node
        for node in ast.walk(peer)
        if isinstance(node, ast.Call) and {word.arg for word in node.keywords} == {"keys", "args"}
    )
    given = {word.arg: len(_list(word.value)) for word in call.keywords}
    assert given == {"keys": _most("KEYS", script), "args": _most("ARGV", script)}


def _list(node: ast.expr) -> list[ast.expr]:
    assert isinstance(node, ast.List)
    return node.elts


def _most(name: str, script: str) -> int:
    return max(int(number) for number in re.findall(rf"{name}\[(\d+)\]", script))
