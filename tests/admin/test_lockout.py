"""13.4: wrong passwords are counted per name as the database compares names, before any hashing.

Each protection has a negative control: with the plain ModelBackend the password is checked.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from coupons.admin.login import password_slots
from coupons.admin.login.lockout import MOST_WRONG, folded_name
from coupons.runtime import runtime
from coupons.store.login_failures import Limit
from tests.admin.logins import RIGHT, CountingHasher, is_in, log_in
from tests.conftest import Settings

pytestmark = [pytest.mark.slow, pytest.mark.stores, pytest.mark.usefixtures("quick_hashes")]
SPELLINGS = ["admin", "ADMIN", "ádmin", "ａｄｍｉｎ", "admin ", "Admin", "\u200badmin", "aⅾmin"]
LINE = 4  # strangers for whom a process has room, with the one whose password is checked
BUSY = "Too many people are logging in at once"
UNPROTECTED = ["django.contrib.auth.backends.ModelBackend"]


@pytest.fixture
def loosely_compared_names(transactional_db: None) -> Iterator[None]:
    """The column of names has the looser collation that it had before our migration."""
    column = "ALTER TABLE auth_user MODIFY username varchar(150) CHARACTER SET utf8mb4 COLLATE"
    if connection.vendor == "mysql":
        loosest = "utf8mb4_unicode_520_ci"  # MySQL and MariaDB have it; without accents, too
        with connection.cursor() as cursor:
            cursor.execute(f"{column} {loosest} NOT NULL")
    yield
    if connection.vendor == "mysql":
        with connection.cursor() as cursor:
            cursor.execute(f"{column} utf8mb4_bin NOT NULL")


# Spellings


def guess_40_times() -> list[Any]:
    return [log_in(SPELLINGS[number % 8], f"guess {number}") for number in range(40)]


def test_13_4_forty_guesses_over_eight_spellings_are_five(admin_user: User) -> None:
    answers = guess_40_times()
    assert CountingHasher.count == MOST_WRONG
    assert not any(map(is_in, answers))
    assert {answer.status_code for answer in answers[MOST_WRONG:]} == {429}


def test_13_4_spellings_are_counted_together_where_the_database_compares_loosely(
    loosely_compared_names: None, admin_user: User
) -> None:
    if connection.vendor == "mysql":
        assert User.objects.get(username="ÁDMIN").pk == admin_user.pk
    guess_40_times()
    assert CountingHasher.count == MOST_WRONG


def test_without_the_lock_out_all_forty_are_checked(admin_user: User, settings: Settings) -> None:
    settings.AUTHENTICATION_BACKENDS = UNPROTECTED
    guess_40_times()
    assert CountingHasher.count == 40


@pytest.mark.parametrize("name", ["\x00admin", "a" * 5000, "admin\x00", "﷽" * 2000])
def test_13_4_strange_names_are_counted_or_not_checked_at_all(admin_user: User, name: str) -> None:
    for number in range(20):
        assert not is_in(log_in(name, f"guess {number}"))
    assert CountingHasher.count <= MOST_WRONG


def test_a_name_that_is_no_text_matches_no_user(admin_user: User) -> None:
    """A form's fields are text always; a caller within our code may have anything."""
    for number in range(20):
        assert authenticate(None, username="ad\ud800min", password=f"guess {number}") is None
    assert CountingHasher.count == MOST_WRONG


@pytest.mark.parametrize("name", ["İstanbul", "ΌΣΟΣ", "straße", "한국", "é" * 150, " mina ", "ﬀ"])
def test_a_folded_name_stays_folded_and_upper_case_folds_alike(name: str) -> None:
    assert folded_name(folded_name(name)) == folded_name(name)
    assert folded_name(name.upper()) == folded_name(name)
    assert folded_name(f"\u3000{name}\u200b ") == folded_name(name)


def test_13_4_names_compare_exactly_by_our_migration(admin_user: User) -> None:
    found = User.objects.filter(username__in=["ADMIN", "ádmin", "Admin"])
    assert not found.exists()
    if connection.vendor == "mysql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT collation_name, character_maximum_length, is_nullable FROM"
                " information_schema.columns WHERE table_schema = DATABASE()"
                " AND table_name = 'auth_user' AND column_name = 'username'"
            )
            assert cursor.fetchone() == ("utf8mb4_bin", 150, "NO")


def test_two_operators_whose_names_differ_by_case_only_are_two(admin_user: User) -> None:
    other = User.objects.create_superuser("Admin", password="another password")
    assert is_in(log_in("admin", RIGHT))
    browser = Client()
    assert is_in(log_in("Admin", "another password", browser=browser))
    assert browser.session["_auth_user_id"] == str(other.pk)
    assert not is_in(log_in("Admin", RIGHT))


# At once


def at_once(names: list[str], record: Callable[[Any], None] = lambda _: None) -> list[Any]:
    """`record` is called with each answer as it comes."""
    started = threading.Barrier(len(names))

    def guess_when_started(name: str) -> Any:
        started.wait()
        try:
            answer = log_in(name, "guess")
            record(answer)
            return answer
        finally:
            connection.close()

    with ThreadPoolExecutor(len(names)) as people:
        return list(people.map(guess_when_started, names))


@pytest.fixture
def committed_admin(transactional_db: None) -> User:
    user = User.objects.create_superuser("admin", password=RIGHT)
    CountingHasher.reset_counts(takes_s=0.05)
    return user


def test_13_4_sixteen_at_once_do_not_get_past_the_counter(
    committed_admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line is long enough for all of them, so that the counter alone decides."""
    monkeypatch.setattr(password_slots, "STRANGERS_IN_LINE", 16)
    runtime.start_fresh()
    answers = at_once(["admin", "ADMIN"] * 8)
    assert CountingHasher.count <= MOST_WRONG
    statuses = Counter(answer.status_code for answer in answers)  # 503: waited too long
    assert statuses[429] + statuses[503] >= 16 - MOST_WRONG + 1
    assert statuses[302] == 0


def test_without_the_lock_out_all_sixteen_are_checked_and_at_once(
    committed_admin: User, settings: Settings
) -> None:
    settings.AUTHENTICATION_BACKENDS = UNPROTECTED
    at_once(["admin"] * 16)
    assert CountingHasher.count == 16
    assert CountingHasher.most_at_once > 2


@pytest.mark.parametrize("with_redis", [True, False])
def test_13_4_two_passwords_are_checked_at_a_time_also_without_redis(
    with_redis: bool, committed_admin: User, without_limits: Callable[..., None], redis_away: Any
) -> None:
    """The first check lasts until all requests for which the line has no room are refused, however
    slowly they come."""
    without_limits(*Limit)
    if not with_redis:
        redis_away()
    busy: list[Any] = []

    def count_busy_answers(answer: Any) -> None:
        busy.extend([answer] if answer.status_code == 503 else [])
        if len(busy) >= 16 - LINE:
            CountingHasher.go_on.set()

    CountingHasher.go_on.clear()
    at_once([f"name-{number}" for number in range(16)], count_busy_answers)
    assert CountingHasher.most_at_once <= 2
    assert len(busy) + CountingHasher.count == 16
    assert len(busy) >= 16 - LINE
    for answer in busy:
        assert BUSY in answer.content.decode()
        assert int(answer.headers["Retry-After"]) > 0
