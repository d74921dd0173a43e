"""The host option of a run, and the marks of a verdict's lines."""

from typing import Any

import pytest
from run_record import FINE, UNKNOWN, WRONG, report_lines
from site_address import NoAddress, site_address
from verdict import LoadFailure, Row, judge_answers

from tests.load.test_verdict import make_answer

SITE = "http://127.0.0.1:8080"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (SITE, SITE),
        (f"{SITE}/", SITE),
        (f"{SITE}//", SITE),
        (f"  {SITE}/\n", SITE),
        (f"{SITE}?", SITE),
        (f"{SITE}/#", SITE),
        ("HTTP://Shop.Example/", "http://shop.example"),
        ("https://shop.example:/", "https://shop.example"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
    ],
)
def test_a_slash_and_blanks_around_an_address_are_taken_off(said: str, meant: str) -> None:
    assert site_address(said) == meant


@pytest.mark.parametrize(
    "said",
    [
        "", " ", "/", "127.0.0.1:8080", "ftp://shop.example", "http://", "http:///path", "http://:80",
        f"{SITE}/shop", f"{SITE}/api/v1/", f"{SITE}//shop", f"{SITE}?a=1", f"{SITE}/?a",
        f"{SITE}#top",
        "http://mina:secret@127.0.0.1:8080", "http://@127.0.0.1:8080", "http://127.0.0.1:80a",
        "http://127.0.0.1:0", "http://127.0.0.1:65536", "http://no..name", "http://127.0 .0.1",
        "http://127.0.0.1\t:8080", "http://a\u200bb", "http://127.0.0.1\\shop", "http://[::1",
    ],
)  # fmt: skip
def test_what_is_more_or_less_than_an_address_is_refused_in_a_sentence(said: str) -> None:
    with pytest.raises(NoAddress) as refused:
        site_address(said)
    assert str(refused.value).endswith("http://127.0.0.1:8080.")


def report_rows(exceptions: int = 0, **figures: Any) -> dict[str, tuple[str, str]]:
    failures = [LoadFailure(exceptions, "ValueError('/')")] if exceptions else []
    rows = [Row("mina", 1, "AAAA")]
    verdict = judge_answers(
        [make_answer("mina", "admitted", 202, 1, "AAAA")], rows, stock=1, failures=failures
    )
    record = {
        "figures": {
            "configured_per_s": None, "asked_per_s": 1, "answered_per_s": 1, "asked_late": 0,
            "load_cpu_ms_per_ask": 1, "all_stored_within_s": 0.1, "watched_for_s": 60,
            "outcomes": {"error": {"count": 0}}, "exceptions": exceptions, **figures,
        },
        "verdict": {
            "told": verdict.told, "stored": verdict.stored, "asked_back": 1,
            "faults": verdict.faults, "well": verdict.is_correct,
        },
    }  # fmt: skip
    return {name: (figure, mark) for name, figure, mark in report_lines(record)}


def test_a_run_with_exceptions_has_no_tick_at_its_errors() -> None:
    assert report_rows()["error"] == ("none", FINE)
    said = report_rows(exceptions=3)
    assert said["error"] == ("none; 3 exceptions", WRONG)
    assert said["fault 1"] == ("3 failures of the load generator: ValueError('/').", WRONG)


def test_what_was_not_measured_has_a_sign_of_its_own() -> None:
    row = "all stored after the last answer"
    assert report_rows()[row][1] == FINE
    assert report_rows(all_stored_within_s=None)[row][1] == WRONG
    assert report_rows(all_stored_within_s=None, watched_for_s=None)[row][1] == UNKNOWN
