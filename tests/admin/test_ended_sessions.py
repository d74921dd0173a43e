"""Rows of sessions that have ended go, in batches; a session's cookies are of this site only."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from coupons import tasks
from coupons.admin.login import sessions
from tests.admin.logins import RIGHT, log_in
from tests.conftest import Settings

pytestmark = pytest.mark.django_db


def make_sessions(count: int, *, ended_for_s: int) -> None:
    until = timezone.now() - timedelta(seconds=ended_for_s)
    Session.objects.bulk_create(
        Session(session_key=f"{ended_for_s}-{number}", session_data="", expire_date=until)
        for number in range(count)
    )


@pytest.mark.stores
def test_ended_sessions_are_removed_in_batches_and_others_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sessions, "REMOVED_AT_ONCE", 3)
    make_sessions(5, ended_for_s=60)
    make_sessions(2, ended_for_s=-60)
    assert [sessions.remove_ended_sessions() for _ in range(3)] == [3, 2, 0]
    assert Session.objects.count() == 2


def test_a_task_of_beat_removes_them() -> None:
    make_sessions(1, ended_for_s=60)
    tasks.forget_old_calls()
    assert not Session.objects.exists()


def test_a_log_out_leaves_no_row(operator_client: Client) -> None:
    assert Session.objects.count() == 1
    operator_client.post("/admin/logout/")
    assert not Session.objects.exists()


@pytest.mark.parametrize("secure", [True, False])
def test_the_cookies_of_a_session_are_for_this_site_and_no_script(
    quick_hashes: None, settings: Settings, secure: bool
) -> None:
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = secure
    User.objects.create_superuser("mina", password=RIGHT)
    browser = Client()
    browser.get("/admin/login/", secure=True)
    log_in("mina", RIGHT, browser=browser)
    session, csrf = browser.cookies["sessionid"], browser.cookies["csrftoken"]
    assert (bool(session["httponly"]), session["samesite"]) == (True, "Lax")
    assert csrf["samesite"] == "Lax"
    assert (bool(session["secure"]), bool(csrf["secure"])) == (secure, secure)
    (known,) = (one for name, one in browser.cookies.items() if name.startswith("known_browser"))
    assert (bool(known["httponly"]), bool(known["secure"]), known["samesite"]) == (
        True, True, "Strict",
    )  # fmt: skip
    assert session["domain"] == csrf["domain"] == known["domain"] == ""
