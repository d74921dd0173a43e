"""What happens to an operator's account is a line in the log; no stranger can fill or forge it."""

import logging
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django_otp.oath import totp
from prometheus_client import REGISTRY

from coupons.admin.login import lockout, login_log
from coupons.observability.metrics import Login
from coupons.store.login_failures import Limit
from tests.admin.logins import RIGHT, follow_link, is_in, log_in
from tests.conftest import Settings

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_hashes")]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    caplog.set_level(logging.INFO, "coupons.admin.login")

    def since() -> list[str]:
        said = [one.getMessage() for one in caplog.records if one.name.startswith("coupons.admin")]
        caplog.clear()
        return said

    return since


Lines = Callable[[], list[str]]


def logins(outcome: str) -> float:
    return REGISTRY.get_sample_value("coupon_logins_total", {"outcome": outcome}) or 0.0


def test_a_login_a_failure_and_a_logout_are_a_line_each(lines: Lines) -> None:
    User.objects.create_superuser("mina", password=RIGHT)
    browser, before = Client(), logins("wrong")
    log_in("mina", "wrong", browser=browser, address="203.0.113.9")
    assert lines() == ["login: wrong password, 'mina' from 203.0.113.9"]
    assert logins("wrong") == before + 1
    log_in("mina", RIGHT, browser=browser, address="2001:db8:1:2:3::9")
    assert lines() == ["login: right password, 'mina' from 2001:db8:1:2::/64"]
    browser.post("/admin/logout/", secure=True, REMOTE_ADDR="203.0.113.9")
    assert lines() == ["login: logged out, 'mina' from 203.0.113.9"]


def test_a_refusal_is_a_line(lines: Lines) -> None:
    for _ in range(6):
        log_in("nobody", "wrong")
    assert lines()[-1] == "login: refused without a check of the password, 'nobody' from 127.0.0.1"


def test_codes_are_lines_too(lines: Lines, settings: Settings) -> None:
    settings.OPERATOR_TOTP = True
    User.objects.create_superuser("mina", password=RIGHT)
    browser = Client()
    follow_link("mina", browser)
    log_in("mina", RIGHT, browser=browser)
    browser.get("/admin/code/", secure=True)
    lines()
    browser.post("/admin/code/", {"code": "x"}, secure=True)
    assert lines() == ["login: wrong code, 'mina' from 127.0.0.1"]
    key = bytes.fromhex(browser.session["enrolment_key"])
    browser.post("/admin/code/", {"code": f"{totp(key):06d}"}, secure=True)
    assert lines() == [
        "account: a second factor was set up, 'mina' from 127.0.0.1",
        "login: right code, 'mina' from 127.0.0.1",
    ]


def test_a_new_password_is_a_line_with_its_author(lines: Lines, operator_client: Client) -> None:
    ann = User.objects.create_user("ann", password=RIGHT, is_staff=True)
    form = {"password1": "another battery staple", "password2": "another battery staple",
            "usable_password": "true"}  # fmt: skip
    assert is_in(operator_client.post(f"/admin/auth/user/{ann.pk}/password/", form))
    assert lines() == ["account: a new password, 'ann' from 127.0.0.1, by mina"]
    User.objects.filter(username="mina").update(password=ann.password)
    browser = Client()
    log_in("ann", "another battery staple", browser=browser)
    lines()
    own = {"old_password": "another battery staple", "new_password1": RIGHT, "new_password2": RIGHT}
    assert is_in(browser.post("/admin/password_change/", own, secure=True))
    assert "account: a new password, 'ann' from 127.0.0.1" in lines()


@pytest.mark.parametrize("name", ["ev\u202eil", "two\nlines", "bell\x07", "x" * 100_000, "\x1b[2J"])
def test_a_name_can_neither_forge_a_line_nor_fill_the_log(lines: Lines, name: str) -> None:
    log_in(name, "wrong")
    (line,) = lines()
    assert line.isprintable()
    assert len(line) < 300


def test_a_flood_is_bounded_and_counted(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    """As while Redis is away, when nothing is refused."""
    for limit in Limit:
        monkeypatch.setitem(lockout.STRANGERS, limit, 10_000)
    monkeypatch.setattr(login_log, "time", SimpleNamespace(monotonic=lambda: 6_000.0))  # one minute
    before = logins("wrong")
    for number in range(login_log.LINES_A_MINUTE + 40):
        log_in(f"name-{number}", "wrong")
    said = lines()
    assert logins("wrong") == before + login_log.LINES_A_MINUTE + 40
    assert len(said) == login_log.LINES_A_MINUTE + 1
    assert "login: further failures of this minute are only counted" in said


def test_without_the_bound_a_flood_would_fill_the_log(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control."""
    monkeypatch.setattr(login_log, "_has_room", lambda: True)
    for number in range(login_log.LINES_A_MINUTE + 40):
        login_log.log_login(Login.WRONG, f"name-{number}", None)
    assert len(lines()) == login_log.LINES_A_MINUTE + 40


def test_no_line_has_a_password(lines: Lines, caplog: Any) -> None:
    User.objects.create_superuser("mina", password=RIGHT)
    log_in("mina", RIGHT)
    log_in("mina", "wrong-battery-staple")
    assert not re.search("battery", caplog.text)
