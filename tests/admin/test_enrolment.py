"""Setting up a second factor: by a one-time link, with a key that one session alone has seen."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from coupons.admin.login import enrolment, second_factor
from tests.admin.logins import RIGHT, follow_link, is_in, log_in
from tests.conftest import Settings

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_hashes")]
CODE, PICTURE = "/admin/code/", "/admin/code/key.svg"
KEY = re.compile(r'<code id="key">([A-Z2-7 ]+)</code>')


@pytest.fixture(autouse=True)
def totp_is_on(settings: Settings) -> None:
    settings.OPERATOR_TOTP = True


@pytest.fixture
def mina(db: None) -> User:
    return User.objects.create_superuser("mina", password=RIGHT)


def half_in(user: User, *, browser: Client | None = None) -> Client:
    browser = browser or Client(HTTP_HOST="localhost")
    assert log_in(user.username, RIGHT, browser=browser).headers["Location"].startswith(CODE)
    return browser


def invited(user: User) -> Client:
    browser = Client(HTTP_HOST="localhost")
    follow_link(user.username, browser)
    return half_in(user, browser=browser)


def key_shown(browser: Client) -> str:
    found = KEY.search(browser.get(CODE, secure=True).content.decode())
    assert found is not None
    return found[1]


def code_of(browser: Client, *, ahead: int = 0) -> str:
    key = bytes.fromhex(browser.session["enrolment_key"])
    return f"{totp(key, drift=ahead):06d}"


def send_code(browser: Client, code: str) -> Any:
    return browser.post(CODE, {"code": code}, secure=True)


def is_inside(browser: Client) -> bool:
    return bool(browser.get("/admin/", secure=True).status_code == 200)


def browser_request(browser: Client) -> Any:
    return browser.get(CODE, secure=True).wsgi_request


def test_a_new_operator_is_led_to_enrol_and_gets_ten_codes_once(mina: User) -> None:
    browser = invited(mina)
    assert len(key_shown(browser).replace(" ", "")) == 32
    assert not TOTPDevice.objects.exists()
    picture = browser.get(PICTURE, secure=True)
    assert picture["Content-Type"] == "image/svg+xml"
    assert b"<svg" in picture.content and b"style" not in picture.content
    assert not is_inside(browser)
    done = send_code(browser, code_of(browser))
    codes = re.findall(r"<li><code>([A-Z2-7 ]{19})</code>", done.content.decode())
    assert len(set(codes)) == second_factor.RECOVERY_CODES == 10
    assert is_inside(browser)
    assert browser.get(CODE, secure=True).status_code == 302
    assert browser.get(PICTURE, secure=True).status_code == 404
    stored = set(StaticToken.objects.values_list("token", flat=True))
    assert not stored & {code.replace(" ", "") for code in codes}  # hashes only
    assert "enrolment_key" not in browser.session and "may_enrol" not in browser.session


@pytest.mark.parametrize("typed", ["000000", "", "x", "1234567"])
def test_a_wrong_code_creates_no_device(mina: User, typed: str) -> None:
    browser = invited(mina)
    key_shown(browser)
    near = {code_of(browser, ahead=step) for step in (-2, -1, 0, 1, 2)}
    typed = "111111" if typed in near else typed
    assert "This code is not right" in send_code(browser, typed).content.decode()
    assert not TOTPDevice.objects.exists()
    assert not is_inside(browser)


def test_a_code_that_enrolled_is_used_up(mina: User) -> None:
    browser = invited(mina)
    key_shown(browser)
    code = code_of(browser)
    send_code(browser, code)
    assert not is_in(send_code(half_in(mina), code))


def test_a_password_alone_is_shown_no_key_and_enrols_nothing(mina: User) -> None:
    browser = half_in(mina)
    page = browser.get(CODE, secure=True)
    assert page.status_code == 403 and not KEY.search(page.content.decode())
    assert "Ask an administrator for a one-time link" in page.content.decode()
    assert browser.get(PICTURE, secure=True).status_code == 404
    session = browser.session
    session["enrolment_key"] = "00" * 20
    session.save()
    assert send_code(browser, code_of(browser)).status_code == 403
    assert enrolment.confirm_candidate(browser_request(browser), mina, code_of(browser)) is None
    assert not TOTPDevice.objects.exists()


def test_without_the_link_the_thief_of_a_password_would_enrol(
    mina: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control."""
    monkeypatch.setattr(enrolment, "is_invited", lambda *_: True)
    thief = half_in(mina)
    key_shown(thief)
    assert send_code(thief, code_of(thief)).status_code == 200
    assert is_inside(thief)


def test_each_session_has_a_key_of_its_own(mina: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who saw a key before the operator enrolled has nothing of it, even without the link."""
    monkeypatch.setattr(enrolment, "is_invited", lambda *_: True)
    thief, honest = half_in(mina), half_in(mina)
    assert key_shown(thief) == key_shown(thief) != key_shown(honest)
    theirs, code = code_of(thief, ahead=1), code_of(honest)
    assert send_code(honest, code).status_code == 200
    assert not is_in(send_code(thief, theirs)) or not is_inside(thief)
    assert not is_in(send_code(half_in(mina), theirs))


def test_enrolling_ends_all_other_sessions_of_this_operator_only(mina: User) -> None:
    ann = User.objects.create_superuser("ann", password=RIGHT)
    other, of_ann = invited(mina), invited(ann)
    browser = Client(HTTP_HOST="localhost")
    follow_link("mina", browser)
    half_in(mina, browser=browser)
    other.cookies.clear()
    other = half_in(mina, browser=other)
    key_shown(browser)
    send_code(browser, code_of(browser))
    keys = set(Session.objects.values_list("pk", flat=True))
    assert other.session.session_key not in keys
    assert {browser.session.session_key, of_ann.session.session_key} <= keys


def test_the_link_of_another_session_or_an_older_password_enrols_nobody(mina: User) -> None:
    browser = invited(mina)
    key_shown(browser)
    follow_link("mina", Client(), "another battery staple")  # a second link, somebody else's
    mina.refresh_from_db()
    assert not enrolment.is_invited(browser_request(browser), mina)
    assert not TOTPDevice.objects.exists()


def test_a_link_followed_while_logged_in_enrols_all_the_same(mina: User) -> None:
    User.objects.create_superuser("ann", password=RIGHT)
    browser = Client(HTTP_HOST="localhost")
    log_in("ann", RIGHT, browser=browser)
    follow_link("mina", browser)
    half_in(mina, browser=browser)
    assert key_shown(browser)


def test_each_login_says_when_and_from_where_it_was_set_up(
    mina: User, caplog: pytest.LogCaptureFixture
) -> None:
    browser = invited(mina)
    key_shown(browser)
    answer = browser.post(CODE, {"code": code_of(browser)}, secure=True, REMOTE_ADDR="2001:db8::7")
    assert answer.status_code == 200
    assert "account: a second factor was set up, 'mina' from 2001:db8::/64" in caplog.text
    page = half_in(mina).get(CODE, secure=True).content.decode()
    assert re.search(r"set up: \d{4}-\d\d-\d\d \d\d:\d\d [^,]+, from 2001:db8::/64", page)


def test_a_reset_by_an_administrator_needs_a_link_again(mina: User) -> None:
    browser = invited(mina)
    key_shown(browser)
    send_code(browser, code_of(browser))
    second_factor.remove_devices(mina)
    assert half_in(mina).get(CODE, secure=True).status_code == 403
    assert browser.get(CODE, secure=True).status_code == 403
    assert key_shown(invited(mina))
