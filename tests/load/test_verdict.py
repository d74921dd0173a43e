"""The verdict on correct histories and on corrupted ones."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from answers import ClaimAnswer
from verdict import ClaimStatus, Row, judge_answers

STOCK = 3
History = tuple[list[ClaimAnswer], list[Row]]


def make_answer(
    user: str, outcome: str, status: int, place: int = 0, code: str = ""
) -> ClaimAnswer:
    return ClaimAnswer(user, outcome, status, 0.0, 0.0, 0.01, place, code)


@pytest.fixture
def history() -> History:
    """Mina, Jun and Ara get the three coupons, Jun asks twice, Bo is too late."""
    answers = [
        make_answer("mina", "admitted", 202, 1, "AAAA"),
        make_answer("jun", "admitted", 202, 2, "BBBB"),
        make_answer("jun", "already_claimed", 200, 2, "BBBB"),
        make_answer("ara", "admitted", 202, 3, "CCCC"),
        make_answer("bo", "sold_out", 409),
    ]
    return answers, [Row("mina", 1, "AAAA"), Row("jun", 2, "BBBB"), Row("ara", 3, "CCCC")]


def test_a_true_history_has_no_fault(history: History) -> None:
    verdict = judge_answers(*history, stock=STOCK)
    assert verdict.is_correct
    assert (verdict.told, verdict.stored) == (3, 3)


def lose_a_row(answers: list[ClaimAnswer], rows: list[Row]) -> None:
    del rows[1]


def store_another_code(answers: list[ClaimAnswer], rows: list[Row]) -> None:
    rows[0] = replace(rows[0], code="ZZZZ")


def store_without_telling(answers: list[ClaimAnswer], rows: list[Row]) -> None:
    rows[2] = Row("nobody", 3, "CCCC")


def store_beyond_the_stock(answers: list[ClaimAnswer], rows: list[Row]) -> None:
    answers.append(make_answer("eve", "admitted", 202, 4, "DDDD"))
    rows.append(Row("eve", 4, "DDDD"))


def give_a_place_twice(answers: list[ClaimAnswer], rows: list[Row]) -> None:
    answers[3] = replace(answers[3], place=2)
    rows[2] = replace(rows[2], place=2)


def give_one_person_two(answers: list[ClaimAnswer], rows: list[Row]) -> None:
    rows[2] = replace(rows[2], user="mina")


def change_an_answer(answers: list[ClaimAnswer], rows: list[Row]) -> None:
    answers[2] = replace(answers[2], place=9)


def say_sold_out_to_a_holder(answers: list[ClaimAnswer], rows: list[Row]) -> None:
    answers.append(make_answer("mina", "sold_out", 409))


def admit_one_person_twice(answers: list[ClaimAnswer], rows: list[Row]) -> None:
    answers.append(answers[0])


def leave_a_hole(answers: list[ClaimAnswer], rows: list[Row]) -> None:
    answers[3], rows[2] = replace(answers[3], place=4), replace(rows[2], place=4)


def say_sold_out_too_early(answers: list[ClaimAnswer], rows: list[Row]) -> None:
    del answers[3], rows[2]


def answer_with_a_crash(answers: list[ClaimAnswer], rows: list[Row]) -> None:
    answers.append(make_answer("kim", "http_500", 500))


def answer_with_the_wrong_status(answers: list[ClaimAnswer], rows: list[Row]) -> None:
    answers[4] = replace(answers[4], status=200)


@pytest.mark.parametrize(
    ("corrupt", "sentence"),
    [
        (lose_a_row, "1 person was told a place and code that are not stored."),
        (store_another_code, "1 person was told a place and code that are not stored."),
        (store_without_telling, "1 coupon is stored that nobody was told of."),
        (store_beyond_the_stock, "1 coupon is stored beyond the stock."),
        (give_a_place_twice, "1 place was given to two people."),
        (give_one_person_two, "1 person has two coupons."),
        (change_an_answer, "1 person got two different answers."),
        (say_sold_out_to_a_holder, "1 person got two different answers."),
        (admit_one_person_twice, "1 person got two different answers."),
        (leave_a_hole, "1 place is not stored, below the highest place."),
        (say_sold_out_too_early, "1 coupon was left when people were answered sold_out."),
        (answer_with_a_crash, "1 answer violates the API's contract, such as 500"),
        (
            answer_with_the_wrong_status,
            "contract, such as 200 sold_out",
        ),
    ],
)
def test_a_corrupted_history_is_found_out(
    history: History, corrupt: Callable[[list[ClaimAnswer], list[Row]], None], sentence: str
) -> None:
    corrupt(*history)
    verdict = judge_answers(*history, stock=STOCK)
    assert any(sentence in fault for fault in verdict.faults), verdict.faults


def test_who_lost_the_answer_may_hold_a_coupon_nobody_told_of(history: History) -> None:
    answers, rows = history
    answers[3] = make_answer("ara", "no_answer", 0)
    assert judge_answers(answers, rows, stock=STOCK).is_correct


def test_a_run_in_which_nothing_was_decided_proves_nothing() -> None:
    assert not judge_answers([], [], stock=STOCK).is_correct
    assert not judge_answers([make_answer("mina", "no_answer", 0)], [], stock=STOCK).is_correct


def test_what_the_api_says_afterwards_counts_as_well(history: History) -> None:
    said = ClaimStatus("mina", "issued", 1, "AAAA")
    assert judge_answers(*history, [said], stock=STOCK).is_correct
    for wrong in (replace(said, status="queued"), replace(said, place=2), replace(said, code="Z")):
        verdict = judge_answers(*history, [wrong], stock=STOCK)
        assert "another status, place or code" in verdict.faults[0]


def test_without_a_database_the_api_must_answer_for_everyone(history: History) -> None:
    answers, rows = history
    everyone = [ClaimStatus(row.user, "issued", row.place, row.code) for row in rows]
    assert judge_answers(answers, None, everyone, stock=STOCK).is_correct
    assert not judge_answers(answers, None, everyone[:2], stock=STOCK).is_correct
