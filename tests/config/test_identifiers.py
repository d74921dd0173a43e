"""Banned identifiers: names that can't be found by grep, or that had several meanings."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.config.test_layers import ROOT, python_files, syntax_tree

# Each was once a name in this code; none says what the thing is.
BANNED = {
    "of", "look", "hold", "held", "said", "told", "saw", "heard", "vouch", "ring", "silence",
    "witness", "testify", "testimony", "fence", "bell", "facts", "places", "wiring", "gauges",
    "statements", "quick", "phrases", "coefficients", "loglines", "signing", "wire", "endpoint",
    "renewal", "holding", "counting", "exhausted", "shown", "stand", "pictures", "onepage",
    "elsewhere", "asking", "deciding", "storing", "many", "interleaved", "against", "dearer",
    "drive", "here", "step_up", "conductor", "died", "dying", "mixed", "steady", "rush", "serving",
    "fronting", "scraping", "traces", "per_view", "measured", "rounds", "openings",
}  # fmt: skip
# The same of load tests, bench and state machine; elsewhere these are names of other things.
BANNED_IN_LOAD_TESTS = {
    "ask", "caller", "claimants", "closed", "line", "opened", "parts", "people", "sale", "stages",
    "stock", "stored", "take", "typed", "watch", "world",
}  # fmt: skip
LOAD_TESTS = ("locust", "tests/load", "tests/bench", "tests/machine")


def defined_names(file: Path) -> Iterator[tuple[str, int]]:
    """(name, line) of the module itself and of its functions, methods and classes."""
    yield file.stem, 0
    for node in ast.walk(syntax_tree(file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node.lineno


@pytest.mark.parametrize("folder", ["coupons", "config", "provisioning", "ansible", *LOAD_TESTS])
def test_no_banned_name_is_defined(folder: str) -> None:
    names = [(file, *name) for file in python_files(folder) for name in defined_names(file)]
    assert len(names) > 50, "it reads nothing"
    banned = BANNED | (BANNED_IN_LOAD_TESTS if folder in LOAD_TESTS else set())
    found = [f"{file.relative_to(ROOT)}:{line}: {name}" for file, name, line in names
             if name.lower() in banned]  # fmt: skip
    assert found == []
