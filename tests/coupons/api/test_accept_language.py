"""Which language a reader gets, by RFC 9110, 12.5.4 (issue 12, part 12)."""

import time

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from config import overload
from coupons.api import translations

LONG_KOREAN_FIRST = "ko," + ",".join(f"aa-{n:04};q=0.1" for n in range(300))


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("ko", "ko"),
        ("KO-kr", "ko"),
        ("ko-KR,ko;q=0.9,en-US;q=0.8", "ko"),
        ("ko-Kore-KR", "ko"),
        ("fr, ko;q=0.1", "ko"),
        ("en;q=0.4, ko;q=0.5", "ko"),
        ("en;q=0.4 ;, ko\t;\tQ=0.5", "ko"),
        ("ko,en", "ko"),
        ("en,ko", "en"),
        ("", "en"),
        ("fr", "en"),
        ("kok", "en"),
        ("korean", "en"),
        # Not acceptable, however it is written.
        ("fr, ko;q=0", "en"),
        ("ko;q=0", "en"),
        ("fr, ko;q=0.0", "en"),
        ("fr, ko;q=0.000", "en"),
        ("ko;q=0, *", "en"),
        ("ko;q=0,en;q=0", "en"),
        # `*` is every language that no other range names.
        ("*", "en"),
        ("fr, *;q=0.1", "en"),
        ("en;q=0, *", "ko"),
        ("en;q=0.2, *;q=0.5", "ko"),
        ("ko;q=0.5, *;q=0.8", "en"),
        ("ko;q=0.8, *;q=0.5", "ko"),
        ("*;q=0, ko", "ko"),
        # A refused dialect does not refuse its language; an accepted one stands for it.
        ("ko-KP;q=0, ko", "ko"),
        ("ko-KR;q=0.9, en;q=0.5", "ko"),
        ("en-US;q=0.5, ko-KR;q=0.4", "en"),
        # Malformed ranges are ignored; the others count.
        ("ko;q=1.5, en;q=0.1", "en"),
        ("ko;q=-1, en;q=0.1", "en"),
        ("ko;q=0.5x", "en"),
        ("ko;q=", "en"),
        ("ko;q=nan, en;q=0.1", "en"),
        ("ko;q=0.1234, en;q=0.1", "en"),
        ("ko;q=٠.٩", "en"),
        ("ko_KR", "en"),
        ("!!, ko", "ko"),
        (",,ko,,", "ko"),
        (";q=1, ko", "ko"),
        ("ko\x00, en;q=0.1", "en"),
        # However long.
        (LONG_KOREAN_FIRST, "ko"),
        ("ko;q=0," + "x" * 100_000, "en"),
        ("ko," + "x" * 100_000, "ko"),
        ("x" * 100_000, "en"),
        ("," * 100_000 + "ko", "en"),
        (", " * 20 + "ko", "ko"),
        ("de-DE-1996-x-" + "-".join(["aaaaaaaa"] * 8) + ",ko;q=0.9", "ko"),
    ],
)
def test_the_language_of_a_header(accepted: str, language: str) -> None:
    assert translations.language_of(accepted) == language


@given(st.text(max_size=200))
def test_whatever_the_header_says_there_is_a_language(accepted: str) -> None:
    assert translations.language_of(accepted) in ("en", "ko")


@given(
    st.lists(
        st.tuples(st.sampled_from(["ko", "en", "fr", "ko-KR", "*"]), st.integers(0, 1000)),
        max_size=6,
    )
)
def test_a_refused_language_is_never_used_if_the_other_is_accepted(
    ranges: list[tuple[str, int]],
) -> None:
    header = ",".join(f"{tag};q={thousandths / 1000:.3f}" for tag, thousandths in ranges)
    weights = dict(reversed(ranges))  # of two equal ranges the first counts
    accepts = {tag for tag in ("ko", "en") if weights.get(tag)}
    accepts |= {"ko"} if weights.get("ko-KR") else set()
    if len(accepts) == 1:
        refuses = {tag for tag in ("ko", "en") if weights.get(tag) == 0} - accepts
        assert translations.language_of(header) not in refuses


@pytest.mark.parametrize(
    ("accepted", "language"), [("fr, ko;q=0", ""), (LONG_KOREAN_FIRST, "ko"), ("ko;q=0, *", "")]
)
def test_who_is_turned_away_is_told_in_the_same_language(accepted: str, language: str) -> None:
    told: dict[str, str] = {}
    overload._refuse({"HTTP_ACCEPT_LANGUAGE": accepted}, lambda _, headers: told.update(headers))
    assert told.get("Content-Language", "") == language


@pytest.mark.parametrize(
    ("accepted", "language"), [("fr, ko;q=0", "en"), (LONG_KOREAN_FIRST, "ko"), ("en,ko", "en")]
)
def test_the_admin_speaks_the_same_language(db: None, accepted: str, language: str) -> None:
    page = Client().get("/admin/login/", headers={"Accept-Language": accepted})
    assert page["Content-Language"] == language


@pytest.mark.parametrize("accepted", ["," * 60_000, "a," * 30_000, "a-" * 30_000, "ko;" * 20_000])
def test_a_long_header_costs_no_more_than_a_page_of_it(accepted: str) -> None:
    began = time.thread_time()
    for number in range(50):
        translations.language_of(f"{number},{accepted}")
    assert time.thread_time() - began < 0.5  # a parser that reads all of it takes seconds
