"""The checker passes a correct history, and detects each fault, made by hand, by its name."""

from dataclasses import replace

import pytest

from config.development.demo.told_stored import Row
from tests.crash import checker
from tests.crash.checker import Found
from tests.crash.history import FAIL, INFO, NEVER, OK, Ask, Reply, asks_of


def make_ask(user: str, invoked: float, completed: float, reply: Reply) -> Ask:
    return Ask(user, invoked, completed, reply)


def told_place(place: int, outcome: str = "admitted", **other: str) -> Reply:
    body = {"code": f"CODE-{place}", "receipt": f"r{place}", "admitted_at": f"12:00:0{place}"}
    return Reply(OK, outcome, place, **body | other)


SOLD_OUT = Reply(FAIL, "sold_out")
RESET = Reply(INFO, "reset")

# Stock 2. Jun's first answer got lost, Sora came too late, Mina asked twice.
ASKS = [
    make_ask("mina", 1.0, 1.1, told_place(1)),
    make_ask("jun", 1.05, 1.2, RESET),
    make_ask("jun", 1.3, 1.4, told_place(2, "already_claimed")),
    make_ask("mina", 1.5, 1.6, told_place(1, "already_claimed")),
    make_ask("sora", 1.5, 1.7, SOLD_OUT),
]
FOUND = Found(
    stock=2,
    rows=[Row("mina", 1, "CODE-1"), Row("jun", 2, "CODE-2")],
    given=2,
    claimants={"mina": 1, "jun": 2},
    sampled=[0, 1, 2],
)


def find_wrongs(asks: list[Ask], found: Found) -> set[str]:
    return {name for name, items in checker.judge_asks(asks, found).items() if items}


def test_a_run_that_kept_its_word() -> None:
    assert find_wrongs(ASKS, FOUND) == set()


def test_what_waits_or_was_parked_is_lost_but_not_hidden() -> None:
    parked = replace(FOUND, rows=FOUND.rows[:1], parked=1, queued=frozenset({"jun"}))
    assert "lost" in find_wrongs(ASKS, parked)
    assert "hidden" not in find_wrongs(ASKS, parked)


THIRD = Row("sora", 3, "CODE-3")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("over_issued", replace(FOUND, sampled=[0, 3, 2])),
        ("over_issued", replace(FOUND, rows=[*FOUND.rows, THIRD], given=3)),
        ("over_issued", replace(FOUND, rows=[FOUND.rows[0], Row("jun", 3, "CODE-2")])),
        ("duplicates", replace(FOUND, rows=[*FOUND.rows, Row("jun", 2, "CODE-9")])),
        ("duplicates", replace(FOUND, rows=[FOUND.rows[0], Row("jun", 1, "CODE-2")])),
        ("duplicates", replace(FOUND, rows=[FOUND.rows[0], Row("jun", 2, "CODE-1")])),
        ("lost", replace(FOUND, rows=FOUND.rows[:1])),
        ("lost", replace(FOUND, rows=[FOUND.rows[0], Row("jun", 2, "CODE-X")])),
        ("hidden", replace(FOUND, rows=FOUND.rows[:1])),
        ("ghosts", replace(FOUND, rows=[*FOUND.rows, Row("nobody", 3, "CODE-3")])),
        ("ghosts", replace(FOUND, claimants={"mina": 1})),
        ("holes", replace(FOUND, rows=[FOUND.rows[0], Row("jun", 3, "CODE-2")], given=3)),
        ("holes", replace(FOUND, given=3)),
        ("under_issued", replace(FOUND, rows=FOUND.rows[:1])),
        ("unsettled", replace(FOUND, waiting=1)),
        ("unsettled", replace(FOUND, parked=1)),
    ],
)
def test_what_stands_in_the_stores_is_seen(name: str, found: Found) -> None:
    assert name in find_wrongs(ASKS, found)


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("over_issued", make_ask("sora", 1.8, 1.9, told_place(3))),
        ("duplicates", make_ask("sora", 1.8, 1.9, told_place(2))),
        ("lost", make_ask("sora", 1.8, 1.9, told_place(2))),
        ("changed_answers", make_ask("mina", 1.8, 1.9, told_place(1))),  # admitted, a second time
        (
            "changed_answers",
            make_ask("mina", 1.8, 1.9, told_place(1, "already_claimed", code="OTHER")),
        ),
        (
            "changed_answers",
            make_ask("mina", 1.8, 1.9, told_place(1, "already_claimed", receipt="other")),
        ),
        (
            "changed_answers",
            make_ask("mina", 1.8, 1.9, told_place(1, "already_claimed", admitted_at="later")),
        ),
        ("changed_answers", make_ask("mina", 1.8, 1.9, SOLD_OUT)),
        ("unanswered", make_ask("late", 1.8, 1.9, RESET)),
        ("unforeseen", make_ask("mina", 1.8, 1.9, Reply(INFO, "status 500 failure"))),
    ],
)
def test_what_was_told_is_seen(name: str, more: Ask) -> None:
    assert name in find_wrongs([*ASKS, more], FOUND)


def test_sold_out_before_the_winner_had_asked_is_the_wrong_order() -> None:
    early = make_ask("sora", 0.1, 0.2, SOLD_OUT)
    assert find_wrongs([early, *ASKS], FOUND) == {"order"}


def test_sold_out_while_the_winner_was_asking_is_right() -> None:
    early = make_ask("sora", 0.1, 1.04, SOLD_OUT)
    assert (
        find_wrongs([early, make_ask("jun", 1.0, NEVER, RESET), *ASKS[:1], *ASKS[2:]], FOUND)
        == set()
    )


def test_a_later_asker_in_front_of_who_had_an_answer_is_an_inversion() -> None:
    asks = [make_ask("jun", 1.0, 1.1, told_place(2)), make_ask("mina", 1.2, 1.3, told_place(1))]
    assert find_wrongs(asks, FOUND) == {"inversions"}


def test_claims_under_way_together_may_stand_in_either_order() -> None:
    asks = [make_ask("jun", 1.0, 1.25, told_place(2)), make_ask("mina", 1.2, 1.3, told_place(1))]
    assert find_wrongs(asks, FOUND) == set()


def test_an_ask_without_an_end_may_have_done_anything() -> None:
    events = [
        {"type": "invoke", "ask": 1, "at": 1.0, "user": "mina"},
        {"type": "invoke", "ask": 2, "at": 1.1, "user": "jun"},
        {"type": "fail", "ask": 2, "at": 1.2, "outcome": "sold_out"},
    ]
    assert asks_of(events) == [
        make_ask("mina", 1.0, NEVER, Reply(INFO, "no end")),
        make_ask("jun", 1.1, 1.2, SOLD_OUT),
    ]
