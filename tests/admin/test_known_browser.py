"""13.4: strangers can't lock out a browser in which the operator has logged in before."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from coupons.admin.login import known_browser, lockout
from coupons.admin.login.lockout import MOST_WRONG
from coupons.store import keys, store
from coupons.store.login_failures import Limit
from tests.admin.logins import RIGHT, CountingHasher, is_in, log_in
from tests.conftest import Settings

pytestmark = pytest.mark.slow


@pytest.fixture
def operator_mina(quick_hashes: None, db: None) -> User:
    return User.objects.create_superuser("mina", password=RIGHT)


@pytest.fixture
def browser_that_logged_in_before(operator_mina: User) -> Client:
    """A browser in which Mina logged in and out again."""
    browser = Client()
    assert is_in(log_in("mina", RIGHT, browser=browser))
    browser.post("/admin/logout/", secure=True)
    CountingHasher.reset_counts()
    return browser


@pytest.fixture
def send_wrong_passwords(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Call it to send wrong passwords until the name, the address and the total are locked."""

    def guess_until_locked() -> None:
        everybody = lockout.STRANGERS[Limit.EVERYBODY]
        monkeypatch.setitem(lockout.STRANGERS, Limit.EVERYBODY, 10_000)
        for number in range(60):
            log_in("mina", "guess", address=f"198.51.100.{number}")
            log_in(f"name-{number}", "guess")
        monkeypatch.setitem(lockout.STRANGERS, Limit.EVERYBODY, everybody)

    return guess_until_locked


def known_browser_cookie(browser: Client, user: User) -> Any:
    return browser.cookies[f"known_browser_{user.pk}"]


def test_13_4_strangers_do_not_lock_a_known_browser_out(
    operator_mina: User,
    browser_that_logged_in_before: Client,
    send_wrong_passwords: Callable[[], None],
) -> None:
    send_wrong_passwords()
    assert log_in("mina", RIGHT, address="203.0.113.1").status_code == 429
    assert is_in(log_in("mina", RIGHT, browser=browser_that_logged_in_before))


def test_13_4_a_known_browser_is_not_counted_among_strangers(
    operator_mina: User, browser_that_logged_in_before: Client
) -> None:
    for _ in range(MOST_WRONG - 1):
        log_in("mina", "typing error", browser=browser_that_logged_in_before)
    (key,) = store().client.keys(keys.LOGINS)
    assert [int(count) for count in store().client.hvals(key)] == [MOST_WRONG - 1]
    assert is_in(log_in("mina", RIGHT, browser=browser_that_logged_in_before))
    assert store().client.keys(keys.LOGINS) == []


def test_13_4_a_known_browser_may_not_guess_either(
    operator_mina: User, browser_that_logged_in_before: Client
) -> None:
    for _ in range(20):
        log_in("mina", "guess", browser=browser_that_logged_in_before)
    assert CountingHasher.count == MOST_WRONG
    assert log_in("mina", RIGHT, browser=browser_that_logged_in_before).status_code == 429
    assert is_in(log_in("mina", RIGHT))


def test_13_4_the_cookie_is_for_the_admin_alone_and_for_long(
    operator_mina: User, browser_that_logged_in_before: Client
) -> None:
    cookie = known_browser_cookie(browser_that_logged_in_before, operator_mina)
    assert (cookie["path"], cookie["samesite"]) == ("/admin/", "Strict")
    assert (cookie["secure"], cookie["httponly"]) == (True, True)
    assert cookie["max-age"] == known_browser.AGE_S > timedelta(days=90).total_seconds()
    assert operator_mina.password not in cookie.value


def test_13_4_a_browser_keeps_its_id_over_logins(
    operator_mina: User, browser_that_logged_in_before: Client
) -> None:
    first = known_browser_cookie(browser_that_logged_in_before, operator_mina).value.split(":")[0]
    assert is_in(log_in("mina", RIGHT, browser=browser_that_logged_in_before))
    assert (
        known_browser_cookie(browser_that_logged_in_before, operator_mina).value.split(":")[0]
        == first
    )
    other = Client()
    assert is_in(log_in("mina", RIGHT, browser=other))
    assert known_browser_cookie(other, operator_mina).value.split(":")[0] != first


def is_known(browser: Client, user: User) -> bool:
    user.refresh_from_db()
    answer = log_in(user.get_username(), "guess", browser=browser)
    request = answer.wsgi_request
    return bool(known_browser.browser_of(request, user))


def test_13_4_a_new_password_makes_every_browser_unknown(
    operator_mina: User, browser_that_logged_in_before: Client
) -> None:
    assert is_known(browser_that_logged_in_before, operator_mina)
    operator_mina.set_password("another correct horse")
    operator_mina.save()
    assert not is_known(browser_that_logged_in_before, operator_mina)


def test_13_4_it_is_of_one_user_and_two_may_share_a_browser(
    operator_mina: User, browser_that_logged_in_before: Client
) -> None:
    theo = User.objects.create_superuser("theo", password=RIGHT)
    browser_that_logged_in_before.cookies[f"known_browser_{theo.pk}"] = known_browser_cookie(
        browser_that_logged_in_before, operator_mina
    ).value
    assert not is_known(browser_that_logged_in_before, theo)
    assert is_in(log_in("theo", RIGHT, browser=browser_that_logged_in_before))
    assert is_known(browser_that_logged_in_before, theo)
    assert is_known(browser_that_logged_in_before, operator_mina)


@pytest.mark.parametrize(
    "forged", ["", "x", "a:b:c", "AAAAAAAAAAAAAAAA:1tXyZa:forged", "\x00", "é"]
)
def test_13_4_a_forged_cookie_is_none(
    operator_mina: User, browser_that_logged_in_before: Client, forged: str
) -> None:
    browser_that_logged_in_before.cookies[f"known_browser_{operator_mina.pk}"] = forged
    assert not is_known(browser_that_logged_in_before, operator_mina)


def test_13_4_a_cookie_of_another_site_or_half_a_year_ago_is_none(
    operator_mina: User,
    browser_that_logged_in_before: Client,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old = settings.SECRET_KEY
    settings.SECRET_KEY = "another key"
    assert not is_known(browser_that_logged_in_before, operator_mina)
    settings.SECRET_KEY_FALLBACKS = [old]
    assert is_known(browser_that_logged_in_before, operator_mina)
    later = (timezone.now() + timedelta(days=181)).timestamp()
    monkeypatch.setattr("django.core.signing.time.time", lambda: later)
    assert not is_known(browser_that_logged_in_before, operator_mina)


def test_a_failed_login_of_one_who_is_logged_in_makes_no_browser_known(operator_mina: User) -> None:
    browser = Client()
    browser.force_login(operator_mina)
    log_in("mina", "guess", browser=browser)
    assert f"known_browser_{operator_mina.pk}" not in browser.cookies
