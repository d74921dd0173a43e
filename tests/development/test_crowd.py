"""The order in which the crowd asks, every user once and some of them twice; its open load."""

import asyncio
from collections import Counter
from pathlib import Path

from config.development.demo.crowd import Plan, asks_of, play_plan
from tests.harness.scripted_http import scripted_http

PEOPLE = [(f"user-{number}", f"token {number}") for number in range(1_000)]


def test_every_user_asks_and_a_fifth_asks_again() -> None:
    asks = asks_of(PEOPLE, impatient=0.2, seed=1)
    times = Counter(user for user, _, _ in asks)
    assert times.keys() == {user for user, _ in PEOPLE}
    assert Counter(times.values()) == {1: 800, 2: 200}


def test_every_user_sends_their_own_token() -> None:
    tokens = dict(PEOPLE)
    assert all(token == tokens[user] for user, _, token in asks_of(PEOPLE, impatient=1, seed=1))


def test_impatient_users_ask_again_shortly_after_their_first_request() -> None:
    asks = asks_of(PEOPLE, impatient=0.2, seed=1)
    seen = {(user, number): at for at, (user, number, _) in enumerate(asks)}
    gaps = [at - seen[user, 1] for (user, number), at in seen.items() if number == 2]
    assert all(0 < gap <= 130 for gap in gaps)


def test_users_do_not_ask_in_the_order_of_registration() -> None:
    assert [user for user, _, _ in asks_of(PEOPLE, impatient=0, seed=1)] != [u for u, _ in PEOPLE]


def test_an_open_load_asks_each_user_once_at_its_rate_until_the_file_exists(tmp_path: Path) -> None:
    until = tmp_path / "until"

    def refuse_and_end(_: str, before: int) -> tuple[int, dict[str, str]]:
        if len(server.tokens) >= 10:
            until.touch()
        return 503, {}

    with scripted_http(refuse_and_end) as server:
        asks = [(user, 1, token.replace(" ", "-")) for user, token in PEOPLE]
        plan = Plan(
            f"http://127.0.0.1:{server.port}/campaign", 0, 0, 8, asks, per_second=100,
            until=str(until),
        )  # fmt: skip
        answers = asyncio.run(play_plan(plan))
    assert 10 <= len(answers) == len(server.tokens) == len(set(server.tokens)) < 1_000
    assert {(answer.status, answer.outcome) for answer in answers} == {(503, "status_503")}
