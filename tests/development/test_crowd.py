"""The order in which the crowd asks: every user once, some of them twice."""

from collections import Counter

from config.development.demo.crowd import asks_of

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
