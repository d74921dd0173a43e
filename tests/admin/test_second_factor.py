"""The second factor of operators: without a code of theirs, a right password opens nothing."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from coupons.admin.login import local_attempts, lockout, second_factor
from coupons.store.login_failures import FORGOTTEN_AFTER_S, Limit
from tests.admin.logins import RIGHT, is_in, log_in
from tests.conftest import Settings

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_hashes")]
CODE, PICTURE = "/admin/code/", "/admin/code/key.svg"


@pytest.fixture(autouse=True)
def totp_is_on(settings: Settings) -> None:
    settings.OPERATOR_TOTP = True


@pytest.fixture
def mina(db: None) -> User:
    return User.objects.create_superuser("mina", password=RIGHT)


def current_code(user: User, *, ahead: int = 0) -> str:
    """The code of this half minute, or of one `ahead`."""
    device = TOTPDevice.objects.get(user=user)
    return f"{totp(device.bin_key, device.step, device.t0, 6, ahead):06d}"


def send_code(browser: Client, code: str, *, next: str = "", address: str = "127.0.0.1") -> Any:
    return browser.post(CODE, {"code": code, "next": next}, REMOTE_ADDR=address, secure=True)


def enrolled(user: User) -> None:
    TOTPDevice.objects.create(user=user, name="app", confirmed=True)


def half_in(user: User, *, address: str = "127.0.0.1") -> Client:
    """A browser with the right password, and no code yet."""
    browser = Client(HTTP_HOST="localhost")
    answer = log_in(user.username, RIGHT, browser=browser, address=address)
    assert answer.headers["Location"].startswith(CODE)
    return browser


def is_inside(browser: Client) -> bool:
    return bool(browser.get("/admin/", secure=True).status_code == 200)


def test_each_login_asks_for_a_code_and_goes_on_where_it_led(mina: User) -> None:
    enrolled(mina)
    browser = half_in(mina)
    assert "key.svg" not in browser.get(CODE, secure=True).content.decode()
    assert browser.get(PICTURE, secure=True).status_code == 404
    answer = send_code(browser, current_code(mina), next="/admin/coupons/campaign/")
    assert answer.headers["Location"] == "/admin/coupons/campaign/"
    assert is_inside(browser)
    assert not is_inside(half_in(mina))  # another session


def test_a_planted_csrf_token_opens_nothing_after_the_login(mina: User) -> None:
    enrolled(mina)
    browser = half_in(mina)
    browser.cookies["csrftoken"] = planted = "a" * 32
    assert is_in(send_code(browser, current_code(mina)))
    assert browser.cookies["csrftoken"].value not in ("", planted)


def test_a_code_is_good_once(mina: User) -> None:
    enrolled(mina)
    code = current_code(mina)
    assert is_in(send_code(half_in(mina), code))
    second = half_in(mina)
    assert not is_in(send_code(second, code))
    assert not is_inside(second)


def test_a_recovery_code_is_good_once_however_it_is_typed(mina: User) -> None:
    enrolled(mina)
    first, second, *_ = second_factor.make_recovery_codes(mina)
    assert is_in(send_code(half_in(mina), first.lower().replace(" ", "-")))
    assert second_factor.codes_left(mina) == 9
    assert not is_in(send_code(half_in(mina), first))
    assert is_in(send_code(half_in(mina), f" {second} "))


@pytest.mark.slow
@pytest.mark.stores
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["by time", "recovery"])
def test_of_many_requests_at_once_with_one_code_one_is_right(kind: str) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("one writer at a time: a second one is refused, not made to wait")
    mina = User.objects.create_user("mina")
    enrolled(mina)
    recovery = second_factor.make_recovery_codes(mina)[0]
    code = current_code(mina) if kind == "by time" else recovery

    def try_it(_number: int) -> bool:
        try:
            return second_factor.verify_code(mina, code) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(try_it, range(16))) == 1


def admin_paths() -> list[str]:
    """Every path of the admin that needs no more than a number."""

    def walk(patterns: list[Any], before: str) -> list[str]:
        found: list[str] = []
        for one in patterns:
            if isinstance(one, URLResolver):
                found += walk(one.url_patterns, before + str(one.pattern))
            elif isinstance(one, URLPattern):
                found.append(before + re.sub(r"<[^>]+>", "1", str(one.pattern)))
        return found

    paths = walk(admin.site.get_urls(), "/admin/")
    return [path for path in paths if "(?P" not in path and path not in PUBLIC]


PUBLIC = {"/admin/login/", "/admin/logout/"}


@pytest.mark.slow
def test_a_password_alone_opens_no_page_and_no_poll(mina: User) -> None:
    """Control: with the code, none of them leads back to the login."""
    enrolled(mina)
    browser = half_in(mina)
    paths = admin_paths()
    assert len(paths) > 60
    for path in paths:
        answer = browser.get(path, secure=True)
        assert answer.status_code == 302, path
        assert answer.headers["Location"].startswith("/admin/login/"), path
        assert browser.post(path, secure=True).status_code == 302, path
    led = browser.get("/admin/coupons/campaign/", secure=True, follow=True)
    assert led.redirect_chain[-1][0] == "/admin/code/?next=%2Fadmin%2Fcoupons%2Fcampaign%2F"
    assert is_in(send_code(browser, current_code(mina)))
    for path in paths:
        answer = browser.get(path, secure=True)
        assert not answer.headers.get("Location", "").startswith("/admin/login/"), path


def test_where_the_setting_is_off_a_password_is_enough(mina: User, settings: Settings) -> None:
    settings.OPERATOR_TOTP = False
    browser = Client()
    assert log_in("mina", RIGHT, browser=browser).headers["Location"] == "/admin/"
    assert is_inside(browser)


def test_a_half_open_session_can_be_closed(mina: User) -> None:
    enrolled(mina)
    browser = half_in(mina)
    browser.post("/admin/logout/", secure=True)
    assert "_auth_user_id" not in browser.session
    assert browser.get(CODE, secure=True).headers["Location"] == "/admin/"


def test_the_session_s_key_changes_with_the_code(mina: User) -> None:
    enrolled(mina)
    browser = half_in(mina)
    before = browser.session.session_key
    send_code(browser, current_code(mina))
    assert browser.session.session_key != before


# Guessing


def wrong_code(user: User) -> str:
    good = {current_code(user, ahead=step) for step in (-2, -1, 0, 1, 2)}
    return next(code for code in ("000000", "111111", "222222") if code not in good)


def test_guesses_are_counted_and_refused(mina: User) -> None:
    enrolled(mina)
    browser, wrong = half_in(mina), wrong_code(mina)
    answers = [send_code(browser, wrong).status_code for _ in range(7)]
    assert answers == [200] * lockout.MOST_WRONG + [429] * 2
    assert send_code(browser, current_code(mina)).status_code == 429  # not looked at


@pytest.mark.slow
def test_logging_in_again_gives_no_new_guesses(mina: User, many_codes_a_minute: None) -> None:
    """The count of passwords is forgotten by a right one; that of codes is not."""
    enrolled(mina)
    wrong = wrong_code(mina)
    checked = sum(send_code(half_in(mina), wrong).status_code == 200 for _ in range(12))
    assert checked == lockout.MOST_WRONG


@pytest.fixture
def many_codes_a_minute(without_limits: Callable[..., None], monkeypatch: Any) -> None:
    without_limits(Limit.EVERYBODY, Limit.ADDRESS)
    for limit in (Limit.EVERYBODY, Limit.ADDRESS):
        monkeypatch.setitem(lockout.CODE_STRANGERS, limit, 10_000)


@pytest.mark.slow
def test_who_knows_the_password_can_not_lock_the_operator_out(
    mina: User, many_codes_a_minute: None
) -> None:
    """From any number of addresses: 20 guesses in 15 minutes, and the browser that the operator
    has used before still lets her in."""
    enrolled(mina)
    known = half_in(mina)
    assert is_in(send_code(known, current_code(mina)))
    known.post("/admin/logout/", secure=True)
    wrong, statuses = wrong_code(mina), []
    for number in range(40):
        address = f"198.51.100.{number}"
        statuses.append(
            send_code(half_in(mina, address=address), wrong, address=address).status_code
        )
    assert statuses.count(200) == lockout.CODE_STRANGERS[Limit.NAME]
    assert log_in("mina", RIGHT, browser=known).status_code == 302
    assert is_in(send_code(known, current_code(mina, ahead=1)))  # that of now was used


def test_a_right_password_alone_makes_no_browser_known(mina: User) -> None:
    """Else each login would give its thief five more guesses, without end."""
    enrolled(mina)
    browser = half_in(mina)
    assert f"known_browser_{mina.pk}" not in browser.cookies
    send_code(browser, current_code(mina))
    assert f"known_browser_{mina.pk}" in browser.cookies


@pytest.mark.parametrize("typed", ["code:mina", "mina-code", "-code:mina", "code: mina"])
def test_no_name_that_a_stranger_types_counts_as_a_code(mina: User, typed: str) -> None:
    enrolled(mina)
    browser = half_in(mina)
    for _ in range(lockout.MOST_WRONG):
        log_in(typed, "nonsense")
    assert is_in(send_code(browser, current_code(mina)))


def test_a_flood_of_wrong_passwords_refuses_no_code(mina: User) -> None:
    enrolled(mina)
    browser = half_in(mina)
    for number in range(30):
        log_in(f"name-{number}", "nonsense")
    assert log_in("ann", "nonsense").status_code == 429
    assert is_in(send_code(browser, current_code(mina)))


def test_without_redis_codes_are_counted_by_the_process(
    mina: User, redis_away: Callable[[], None]
) -> None:
    """A known browser has attempts of its own; operators who are right get in."""
    enrolled(mina)
    known, guesser = half_in(mina), half_in(mina)
    assert is_in(send_code(known, current_code(mina)))
    known.post("/admin/logout/", secure=True)
    redis_away()
    wrong = wrong_code(mina)
    answers = [send_code(guesser, wrong).status_code for _ in range(12)]
    assert answers == [200] * lockout.MOST_WRONG + [429] * 7
    again = half_in(mina)  # neither a new session nor another address has more
    assert send_code(again, wrong, address="198.51.100.9").status_code == 429
    assert log_in("mina", RIGHT, browser=known).status_code == 302
    assert is_in(send_code(known, current_code(mina, ahead=1)))


def test_without_redis_a_right_code_forgets_the_wrong_ones(
    mina: User, redis_away: Callable[[], None]
) -> None:
    enrolled(mina)
    redis_away()
    browser, wrong = half_in(mina), wrong_code(mina)
    for _ in range(lockout.MOST_WRONG - 1):
        send_code(browser, wrong)
    assert is_in(send_code(browser, current_code(mina)))
    assert send_code(half_in(mina), wrong).status_code == 200


def test_what_a_process_counts_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_attempts, "MOST_KEYS", 3)
    refused = [local_attempts.count_here(f"name-{number}", "", 5) for number in range(5)]
    assert refused[:3] == [0, 0, 0]
    assert all(0 < free_in_s <= FORGOTTEN_AFTER_S for free_in_s in refused[3:])


def test_wrong_codes_of_one_operator_count_for_no_other(
    mina: User, many_codes_a_minute: None
) -> None:
    ann = User.objects.create_superuser("ann", password=RIGHT)
    for user in (mina, ann):
        enrolled(user)
    browser, wrong = half_in(ann), wrong_code(ann)
    for _ in range(10):
        send_code(browser, wrong)
    assert is_in(send_code(half_in(mina), current_code(mina)))


def test_a_name_s_codes_are_unlocked_with_it(mina: User) -> None:
    enrolled(mina)
    browser, wrong = half_in(mina), wrong_code(mina)
    for _ in range(6):
        send_code(browser, wrong)
    call_command("unlock", "mina", stdout=StringIO())
    assert is_in(send_code(browser, current_code(mina)))


@pytest.mark.parametrize("typed", [
    "", "0", "12345", "1234567", "١٢٣٤٥٦", "12 34 5a", "-1", "1e5", "\x00" * 6, "A" * 10_000,
    "' OR 1=1", "AAAAAAAAAAAAAAAA", "\ud800",
])  # fmt: skip
def test_an_odd_code_is_wrong(mina: User, typed: str) -> None:
    enrolled(mina)
    second_factor.make_recovery_codes(mina)
    assert second_factor.verify_code(mina, typed) is None


def test_a_reset_ends_what_the_device_had_opened(mina: User) -> None:
    enrolled(mina)
    browser = half_in(mina)
    send_code(browser, current_code(mina))
    second_factor.remove_devices(mina)
    assert not is_inside(browser)
    assert not StaticDevice.objects.exists()
    assert browser.get(CODE, secure=True).status_code == 403


def test_a_superuser_resets_it_in_the_admin(mina: User, settings: Settings) -> None:
    ann = User.objects.create_user("ann", password=RIGHT, is_staff=True)
    for user in (mina, ann):
        enrolled(user)
    browser = half_in(mina)
    send_code(browser, current_code(mina))
    form = {"action": "reset_second_factor", "_selected_action": [ann.pk]}
    answer = browser.post("/admin/auth/user/", form, secure=True, follow=True)
    assert "need a new link (manage.py operator NAME --link): ann" in answer.content.decode()
    assert not second_factor.has_device(ann)
    assert second_factor.has_device(mina)


def test_an_inactive_operator_and_one_who_is_none_get_no_page(mina: User) -> None:
    browser = half_in(mina)
    User.objects.update(is_staff=False)
    assert browser.get(CODE, secure=True).headers["Location"] == "/admin/"
    assert browser.get(PICTURE, secure=True).status_code == 404
    assert TOTPDevice.objects.count() == 0
