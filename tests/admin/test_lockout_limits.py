"""13.4: the limits on failed logins, how they are lifted, and what the refusals say."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from coupons.admin.login import lockout
from coupons.admin.login.lockout import MOST_WRONG
from coupons.store import keys, store
from coupons.store.login_failures import FORGOTTEN_AFTER_S, Limit
from tests.admin.logins import RIGHT, CountingHasher, is_in, log_in

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("quick_hashes")]


def test_13_4_a_name_is_locked_for_everybody_much_later(
    admin_user: User, without_limits: Callable[..., None]
) -> None:
    without_limits(Limit.EVERYBODY)
    for number in range(100):
        log_in("admin", "guess", address=f"198.51.100.{number}")
    assert CountingHasher.count == lockout.STRANGERS[Limit.NAME] == 10 * MOST_WRONG
    assert log_in("admin", RIGHT, address="203.0.113.1").status_code == 429


def test_13_4_one_address_may_try_few_names(
    admin_user: User, without_limits: Callable[..., None]
) -> None:
    without_limits(Limit.EVERYBODY)
    for number in range(100):
        answer = log_in(f"name-{number}", "guess", address="198.51.100.7")
    assert CountingHasher.count == lockout.STRANGERS[Limit.ADDRESS]
    assert "from your network" in answer.content.decode()
    assert is_in(log_in("admin", RIGHT, address="198.51.100.8"))


def test_13_4_a_customer_with_many_ipv6_addresses_is_one(
    admin_user: User, without_limits: Callable[..., None]
) -> None:
    without_limits(Limit.EVERYBODY)
    for number in range(100):
        log_in(f"name-{number}", "guess", address=f"2001:db8:1:2::{number:x}")
    assert CountingHasher.count == lockout.STRANGERS[Limit.ADDRESS]
    assert is_in(log_in("admin", RIGHT, address="2001:db8:1:3::1"))


def test_13_4_all_failed_logins_together_are_limited(admin_user: User) -> None:
    for number in range(100):
        answer = log_in(f"name-{number}", "guess", address=f"198.51.100.{number}")
    assert CountingHasher.count == lockout.STRANGERS[Limit.EVERYBODY]
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 60


def test_13_4_a_refused_attempt_counts_nowhere(admin_user: User) -> None:
    for _ in range(100):
        log_in("admin", "guess", address="198.51.100.7")
    client: Any = store().client
    counted = client.keys(keys.LOGINS)
    numbers = [int(client.get(key)) for key in counted if client.type(key) == b"string"]
    numbers += [int(n) for key in counted if client.type(key) == b"hash" for n in client.hvals(key)]
    assert numbers == [MOST_WRONG] * 4
    assert all(0 < client.ttl(key) <= FORGOTTEN_AFTER_S for key in counted)


@pytest.mark.parametrize("damage", ["no end", "another type", "no number"])
def test_13_4_a_damaged_counter_does_not_lock_out_for_ever(admin_user: User, damage: str) -> None:
    client: Any = store().client
    for _ in range(MOST_WRONG):
        log_in("admin", "guess")
    key = keys.login_name("admin")
    if damage == "no end":
        client.persist(key)
        assert log_in("admin", RIGHT).status_code == 429
        assert 0 < client.ttl(key) <= FORGOTTEN_AFTER_S
        return
    client.delete(key)
    if damage == "another type":
        client.set(key, "5")
    else:
        client.hset(key, keys.name_digest("127.0.0.1"), "five")
    assert is_in(log_in("admin", RIGHT))


def test_13_4_made_up_names_cost_and_answer_like_real_ones(admin_user: User) -> None:
    def guess_until_locked(name: str) -> list[tuple[int, int, str]]:
        seen = []
        for number in range(MOST_WRONG + 2):
            CountingHasher.reset_counts()
            answer = log_in(name, f"guess {number}")
            text = answer.content.decode().replace(name, "NAME")
            seen.append((answer.status_code, CountingHasher.count, text.split("<main", 1)[-1]))
            store().client.delete(keys.LOGIN_EVERYBODY)
        return seen

    User.objects.create_superuser("yujin", password=RIGHT)
    real, made_up = guess_until_locked("yujin"), guess_until_locked("nobody")
    assert [one[:2] for one in real] == [one[:2] for one in made_up]
    assert real[-1] == made_up[-1]


def test_13_4_names_of_users_without_access_cost_and_answer_like_real_ones(
    admin_user: User,
) -> None:
    User.objects.create_user("gone", password=RIGHT, is_active=False, is_staff=True)
    User.objects.create_user("never", password=None, is_staff=True)
    for name in ("gone", "never"):
        CountingHasher.reset_counts()
        assert not is_in(log_in(name, "guess"))
        assert CountingHasher.count == 1
    assert not is_in(log_in("gone", RIGHT))


def test_13_4_a_login_clears_the_counted_failures(admin_user: User) -> None:
    """Typing errors of people who then log in don't add up to a lock of their shared address."""
    for _ in range(20):
        for _ in range(MOST_WRONG - 1):
            log_in("admin", "typing error", address="198.51.100.7")
        assert is_in(log_in("admin", RIGHT, address="198.51.100.7"))


# The old password


def test_13_4_the_old_password_is_not_guessed_without_end_either(admin_user: User) -> None:
    """At a browser that was left logged in, a stranger could guess until the session ends."""
    browser = Client()
    browser.force_login(admin_user)
    for number in range(20):
        answer = browser.post("/admin/password_change/", {
            "old_password": f"guess {number}", "new_password1": "x", "new_password2": "x",
        })  # fmt: skip
    assert CountingHasher.count == MOST_WRONG
    assert answer.status_code == 429


# By hand


def test_13_4_an_operator_is_unlocked_by_a_command_in_any_spelling(
    admin_user: User, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(MOST_WRONG + 1):
        log_in("admin", "guess")
        log_in("other", "guess")
    assert log_in("admin", RIGHT).status_code == 429
    call_command("unlock", "ADMIN")
    assert "ADMIN may log in: attempts of 1 source were reset." in capsys.readouterr().out
    assert is_in(log_in("admin", RIGHT))


def test_13_4_unlocking_all_forgets_all(
    admin_user: User, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(20):
        log_in(f"name-{number}", "guess")
    assert log_in("admin", RIGHT).status_code == 429
    call_command("unlock", "--all")
    assert "All operators may log in" in capsys.readouterr().out
    assert store().client.keys(keys.LOGINS) == []
    assert is_in(log_in("admin", RIGHT))


def test_14_unlocking_says_one_counter_for_one(
    admin_user: User, capsys: pytest.CaptureFixture[str]
) -> None:
    store().client.hset(keys.login_name("mina"), "*", "1")
    call_command("unlock", "--all")
    assert "All operators may log in: 1 counter was reset." in capsys.readouterr().out


def test_unlocking_needs_a_name_and_says_when_redis_is_away(
    admin_user: User, redis_away: Callable[[], None]
) -> None:
    for wrong in ((), ("admin", "--all")):
        with pytest.raises(CommandError):
            call_command("unlock", *wrong)
    redis_away()
    with pytest.raises(CommandError, match="Nothing was reset"):
        call_command("unlock", "admin")


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("ko", "비밀번호를 여러 번 잘못 입력했습니다"),
        ("en", "Too many wrong passwords"),
        ("ko;q=0.5, en", "Too many wrong passwords"),
    ],
)
def test_13_4_a_refusal_is_in_the_operators_language(
    language: str, sentence: str, admin_user: User
) -> None:
    for _ in range(MOST_WRONG):
        answer = log_in("admin", "guess", language=language)
    assert sentence in answer.content.decode()
    assert answer.headers["Cache-Control"].startswith("max-age=0")
