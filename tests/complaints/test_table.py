"""The README's table is complete: every complaint has a row, and every test in it exists."""

import ast
import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
NUMBERS = {
    1, 2, 4, 5, 6, 7, 8, 10, 11, 12, 13, 16, 17, 19, 20, 21, 23, 25, 26, 28, 30, 31, 33, 34, 35, 37,
    38, 39, 40, 42, 43, 44, 45, 46, 48, 50, 51, 53, 54, 56, 57, 58, 60, 61, 62, 63, 65, 66, 67, 68,
    70, 71, 72, 73, 75, 77, 78, 79, 80, 82,
}  # fmt: skip
ROW = re.compile(r"^\| ([0-9, ]+) \| .* \| (.*) \| (.*) \|$", re.MULTILINE)
ROWS = [
    ({int(number) for number in numbers.split(",")}, tests, verdict)
    for numbers, tests, verdict in ROW.findall((HERE / "README.md").read_text())
]


def names_in(file: Path) -> set[str]:
    tree = ast.parse(file.read_text())
    names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return {name for name in names if name.startswith("test_")}


def named_tests(cell: str) -> set[str]:
    return set(re.findall(r"`(test_\w+)`", cell))


def test_every_complaint_has_one_row() -> None:
    numbers = [number for row, _, _ in ROWS for number in row]
    assert sorted(numbers) == sorted(NUMBERS)


@pytest.mark.parametrize(("numbers", "tests", "verdict"), ROWS, ids=lambda cell: str(cell)[:12])
def test_the_tests_of_a_row_exist_and_without_one_it_says_why(
    numbers: set[int], tests: str, verdict: str
) -> None:
    files = [ROOT / name for name in re.findall(r"`(tests/\S+\.py)`", tests)]
    known = {name for file in files or HERE.glob("test_*.py") for name in names_in(file)}
    assert named_tests(tests) <= known
    if not named_tests(tests) and not files:
        assert re.match(r"can't concern us|open: ", verdict)


def test_a_test_that_is_named_for_a_complaint_stands_in_its_row() -> None:
    named: dict[int, set[str]] = {}
    for file in (ROOT / "tests").rglob("test_*.py"):
        for name in names_in(file):
            if found := re.match(r"test_complaint_(\d+)_", name):
                named.setdefault(int(found[1]), set()).add(name)
    for numbers, tests, _ in ROWS:
        for number in numbers:
            assert named.pop(number, set()) <= named_tests(tests), number
    assert named == {}
