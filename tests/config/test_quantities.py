"""Counts in English: one is no plural, in what commands, programs and log lines print."""

import ast
from collections.abc import Callable, Iterator
from importlib import util
from pathlib import Path

import pytest

from config.development.demo.verdict import Opening, judge_opening
from coupons.claims import quantities
from coupons.observability import lasting_failures
from provisioning import quantities as provisioning_quantities
from tests.config.test_layers import ROOT, python_files, syntax_tree

PRINTING = ("coupons", "config", "provisioning", "locust", "ansible",
            "tests/bench", "tests/crash", "tests/rehearsal", "tests/containers")  # fmt: skip
# Of these the number is never 1, or another sentence is printed then.
NEVER_ONE = {
    ("coupons/api/json.py", "len(raw)"),  # a sentence of its own for 1 byte
    ("coupons/management/commands/rebuild.py", "len(slugs)"),  # not printed for one
    ("ansible/roles/monitoring/generate/__main__.py", "len(text_by_path)"),  # all its files
    ("tests/rehearsal/onhosts.py", "len(OPERATORS_PATHS)"),
    ("tests/rehearsal/onhosts.py", "STOCK"),
    ("tests/rehearsal/onnetwork.py", "answer.pairs_sent"),
    ("tests/rehearsal/onnetwork.py", "len(seen.places)"),
    ("tests/rehearsal/opening.py", "len(self.answers)"),
    ("tests/containers/sale.py", "len(site.running)"),
    ("tests/containers/sale.py", "len(rows)"),  # more than the stock
    ("provisioning/name_rules.py", "len(name)"),  # more than the longest
}  # fmt: skip


def _of_locust() -> Callable[..., str]:
    """By its file: the modules of locust/ are no package."""
    spec = util.spec_from_file_location("locust_quantities", ROOT / "locust" / "quantities.py")
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function: Callable[..., str] = module.counted_noun
    return function


COPIES = {
    "coupons": quantities.counted_noun,
    "provisioning": provisioning_quantities.counted_noun,
    "locust": _of_locust(),
}


@pytest.mark.parametrize("island", COPIES)
def test_one_has_the_singular_and_all_other_numbers_the_plural(island: str) -> None:
    counted_noun = COPIES[island]
    claims = [counted_noun(count, "claim") for count in (0, 1, 2, 1_000_000)]
    assert claims == ["0 claims", "1 claim", "2 claims", "1,000,000 claims"]
    assert counted_noun(1, "claim waits", "claims wait") == "1 claim waits"
    assert counted_noun(2, "claim waits", "claims wait") == "2 claims wait"


def test_a_failure_that_was_repeated_once_is_logged_so(monkeypatch: pytest.MonkeyPatch) -> None:
    failures = lasting_failures.LastingFailures()
    assert failures.log_suffix("sale") == ""
    assert failures.log_suffix("sale") is None
    monkeypatch.setattr(lasting_failures, "REMIND_S", 0)
    assert failures.log_suffix("sale") == " (and 1 time since its last line)"


def test_a_verdict_names_one_unanswered_ask() -> None:
    faults = judge_opening(Opening(stock=1, users=0, asks=1), [], []).faults
    assert "1 ask never got an answer to live with." in faults


def _counts_before_plurals(file: Path) -> Iterator[tuple[str, str]]:
    """(file, expression) where an f-string has `{len(rows)} coupons` or `{count:,} claims`."""
    for node in ast.walk(syntax_tree(file)):
        if isinstance(node, ast.JoinedStr):
            for value, after in zip(node.values, node.values[1:], strict=False):
                if _is_count(value) and _begins_with_plural(after):
                    assert isinstance(value, ast.FormattedValue)
                    yield str(file.relative_to(ROOT)), ast.unparse(value.value)


def _is_count(value: ast.expr) -> bool:
    if not isinstance(value, ast.FormattedValue):
        return False
    grouped = value.format_spec is not None and "','" in ast.unparse(value.format_spec)
    return grouped or ast.unparse(value.value).startswith(("len(", "sum("))


def _begins_with_plural(text: ast.expr) -> bool:
    if not (isinstance(text, ast.Constant) and isinstance(text.value, str)):
        return False
    words = text.value.split()
    if not (words and text.value.startswith(" ")):
        return False
    first = words[0].strip(".,:;")
    return first.endswith("s") and first not in ("is", "was", "has", "ms", "s")


def test_no_text_puts_a_plural_after_a_number_that_may_be_one() -> None:
    found = {pair for folder in PRINTING for file in python_files(folder)
             for pair in _counts_before_plurals(file)}  # fmt: skip
    assert found <= NEVER_ONE, sorted(found - NEVER_ONE)
    assert found, "it reads nothing"
