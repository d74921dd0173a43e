"""The verdict: a correct history passes, and each kind of corruption is reported by name."""

from dataclasses import replace
from typing import Any

import pytest

from config.development.demo.told_stored import Row
from config.development.demo.verdict import AGAIN, Answer, Opening, Verdict, judge_opening
from coupons.errors import Busy, DependencyAway, NotStoredYet, SlotsUnfinished

STOCK, USERS = 3, 5
OPENING = Opening(stock=STOCK, users=USERS, asks=USERS + 1)


def admitted_answer(user: str, place: int) -> Answer:
    return Answer(user, 1, 202, "admitted", place, f"CODE-{place}", f"receipt {place}", 1_000)


def sold_out(user: str) -> Answer:
    return Answer(user, 1, 409, "sold_out")


def repeated_answer(answer: Answer) -> Answer:
    return replace(answer, ask=2, status=200, outcome="already_claimed")


ALICE, BOB, CHO = admitted_answer("alice", 1), admitted_answer("bob", 2), admitted_answer("cho", 3)
ANSWERS = [ALICE, BOB, CHO, sold_out("dan"), sold_out("eve"), repeated_answer(ALICE)]
ROWS = [Row("alice", 1, "CODE-1"), Row("bob", 2, "CODE-2"), Row("cho", 3, "CODE-3")]


def judge_history(answers: list[Answer] = ANSWERS, rows: list[Row] = ROWS) -> Verdict:
    return judge_opening(OPENING, answers, rows)


def with_answer(number: int, **changes: Any) -> list[Answer]:
    """The correct history with one answer changed."""
    bent = list(ANSWERS)
    bent[number] = replace(bent[number], **changes)
    return bent


def test_a_sound_history_has_no_fault() -> None:
    assert judge_history() == Verdict(3, 3, 0, 0, 0, 0, ())


def test_the_order_of_answers_does_not_matter() -> None:
    assert judge_history(ANSWERS[::-1]) == judge_history()


def test_attempts_without_a_decision_are_no_fault() -> None:
    tries = [Answer("alice", 1, 409, "not_open"), Answer("bob", 1, 503, "store_away")]
    tries += [Answer("cho", 1, 0, "no_answer"), Answer("eve", 1, 429, "too_many_requests")]
    assert judge_history(tries + ANSWERS).faults == ()


def test_every_error_that_means_no_decision_is_retried() -> None:
    """Also the 503 of an overloaded door: on a slow laptop `make demo` reported it as a fault."""
    away = {kind.code for kind in all_subclasses(DependencyAway) if "code" in vars(kind)}
    away -= {kind.code for kind in (Busy, NotStoredYet, SlotsUnfinished)}  # no claim gets these
    assert away | {"overloaded"} <= AGAIN


def all_subclasses(kind: type[DependencyAway]) -> set[type[DependencyAway]]:
    below = set(kind.__subclasses__())
    return below | {each for one in below for each in all_subclasses(one)}


def test_an_admission_whose_answer_was_lost_counts_as_admitted() -> None:
    lost = [Answer("bob", 1, 0, "no_answer"), replace(repeated_answer(BOB), ask=1)]
    assert judge_history([ALICE, *lost, *ANSWERS[2:]]) == judge_history()


def test_it_catches_a_lost_coupon() -> None:
    verdict = judge_history(rows=ROWS[:2])
    assert (verdict.stored, verdict.lost) == (2, 1)
    assert "3 were told that they hold a coupon, but 2 are stored." in verdict.faults


@pytest.mark.parametrize(
    "row", [Row("cho", 3, "CODE-X"), Row("cho", 4, "CODE-3"), Row("zoe", 3, "CODE-3")]
)
def test_a_coupon_stored_with_other_values_than_answered_is_lost(row: Row) -> None:
    verdict = judge_history(rows=[*ROWS[:2], row])
    assert (verdict.told, verdict.stored, verdict.lost) == (3, 3, 1)
    assert "1 person was told a place and code that are not stored." in verdict.faults


def test_it_catches_a_stored_coupon_that_no_user_was_admitted_for() -> None:
    verdict = judge_history(rows=[*ROWS[:2], Row("zoe", 3, "CODE-3")])
    assert "1 coupon is stored of which nobody was told." in verdict.faults


def test_it_catches_a_user_with_two_coupons() -> None:
    verdict = judge_history(rows=[*ROWS, Row("alice", 4, "CODE-4")])
    assert verdict.duplicates == 1
    assert verdict.over_issued == 1


def test_it_catches_a_place_stored_for_two_users() -> None:
    assert judge_history(rows=[*ROWS[:2], Row("cho", 2, "CODE-2")]).duplicates == 1


def test_it_catches_a_place_that_two_users_were_admitted_on() -> None:
    verdict = judge_history(with_answer(2, place=2, code="CODE-2"))
    assert verdict.duplicates == 1
    assert "Nobody was given 1 place between 1 and 3." in verdict.faults


def test_it_catches_over_issue_in_the_answers() -> None:
    verdict = judge_history([*ANSWERS[:3], admitted_answer("dan", 4), *ANSWERS[4:]])
    assert verdict.over_issued == 1
    assert "1 coupon was issued beyond the stock." in verdict.faults


def test_it_catches_under_issue() -> None:
    verdict = judge_history([ALICE, BOB, sold_out("cho"), *ANSWERS[3:]], ROWS[:2])
    assert verdict.told == verdict.stored == 2
    assert "2 were told that they hold a coupon, but 3 should have been." in verdict.faults


@pytest.mark.parametrize(
    "changes",
    [
        {"place": 2},
        {"code": "CODE-9"},
        {"receipt": "another"},
        {"admitted_ms": 1_001},
        {"outcome": "sold_out", "status": 409, "place": 0},
        {"outcome": "admitted", "status": 202},
    ],
)
def test_it_catches_a_changed_answer(changes: dict[str, Any]) -> None:
    verdict = judge_history(with_answer(5, **changes))
    assert verdict.changed_answers == 1
    assert "1 person heard two different answers." in verdict.faults


@pytest.mark.parametrize("outcome", ["no_answer", "not_open", "store_away"])
def test_it_catches_a_request_without_a_final_answer(outcome: str) -> None:
    verdict = judge_history(with_answer(4, outcome=outcome))
    assert "1 ask never got an answer to live with." in verdict.faults


def test_it_catches_a_request_that_was_never_sent() -> None:
    assert "1 ask never got an answer to live with." in judge_history(ANSWERS[:5]).faults


@pytest.mark.parametrize(
    ("status", "outcome"), [(500, "failure"), (401, "bad_token"), (200, "sold_out"), (502, "")]
)
def test_it_catches_an_unexpected_answer(status: int, outcome: str) -> None:
    faults = judge_history(with_answer(4, status=status, outcome=outcome)).faults
    assert any(fault.startswith(f"1 unexpected answer: {status}") for fault in faults)
