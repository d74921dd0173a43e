"""No redirect of ours leads away from the site, whatever a request says of where to go."""

import re
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from tests.admin.logins import RIGHT, log_in
from tests.conftest import Settings

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_hashes")]
EVIL = [
    "//evil.example", "///evil.example", "////evil.example", "/\\evil.example", "\\\\evil.example",
    "\\/evil.example", "https:evil.example", "https:/evil.example", "https:///evil.example",
    "https://evil.example", "http://evil.example/admin/", "HTTPS://EVIL.EXAMPLE",
    "javascript:alert(1)", "java\tscript:alert(1)", "data:text/html,x", "vbscript:x",
    "/\t/evil.example", "/\n/evil.example", "\t//evil.example", " //evil.example",
    "/%09/evil.example", "%2F%2Fevil.example", "//evil.example%2f..", "//testserver@evil.example",
    "https://testserver@evil.example/", "https://testserver.evil.example/",
    "//evil.example/\\testserver", "/admin/\r\nLocation: https://evil.example",
    "/admin/%0d%0aSet-Cookie:x=1", "//[::1", "https://[evil", "//evil。example", "//ｅvil.example",
    "\x00//evil.example", "\ufeff//evil.example",
]  # fmt: skip
HOST = "testserver"


def leads_home(location: str) -> bool:
    """As the strictest browser reads it: backslashes are slashes, tabs are nothing."""
    if any(letter in location for letter in "\r\n\x00"):
        return False
    read = location.replace("\\", "/").replace("\t", "").strip()
    parts = urlsplit(read)
    if parts.scheme:
        return parts.scheme in ("http", "https") and parts.netloc == HOST
    return not parts.netloc and not read.startswith("//")


@pytest.mark.parametrize("location", EVIL[:19])
def test_the_judge_sees_an_evil_address(location: str) -> None:
    """Control: of a site that redirected there."""
    assert not leads_home(location)
    assert leads_home("/admin/?next=//evil.example")


def all_end_here(answer: Any) -> None:
    location = answer.headers.get("Location")
    assert answer.status_code < 500
    assert location is None or leads_home(location), location


@pytest.fixture
def mina(db: None) -> User:
    return User.objects.create_superuser("mina", password=RIGHT)


@pytest.mark.parametrize("evil", EVIL)
def test_the_login_leads_to_a_page_of_ours(mina: User, evil: str, without_limits: Any) -> None:
    form = {"username": "mina", "password": RIGHT, "next": evil}
    for question in ("", f"?next={quote(evil)}"):
        answer = Client().post(f"/admin/login/{question}", form, secure=True)
        assert answer.status_code == 302
        all_end_here(answer)
    form.pop("next")
    all_end_here(Client().post(f"/admin/login/?next={quote(evil)}", form, secure=True))


@pytest.mark.parametrize("evil", EVIL)
def test_the_code_leads_to_a_page_of_ours(mina: User, evil: str, settings: Settings) -> None:
    settings.OPERATOR_TOTP = True
    device = TOTPDevice.objects.create(user=mina, name="app")
    browser = Client()
    log_in("mina", RIGHT, browser=browser)
    path = f"/admin/code/?next={quote(evil)}"
    shown = re.search(
        r'name="next" value="([^"]*)"', browser.get(path, secure=True).content.decode()
    )
    assert shown is not None and leads_home(shown[1])
    form = {"code": f"{totp(device.bin_key):06d}", "next": evil}
    answer = browser.post(path, form, secure=True)
    assert answer.status_code == 302
    all_end_here(answer)
    all_end_here(browser.get(path, secure=True))  # it is verified by now


PATHS = [
    "/admin/", "/admin/login/", "/admin/logout/", "/admin/password_change/", "/admin/session/",
    "/admin/jsi18n/", "/admin/coupons/campaign/", "/admin/coupons/campaign/1/do/pause",
    "/admin/coupons/campaign/1/parked/do/", "/admin/coupons/campaign/1/override/",
    "/admin/coupons/coupon/1/do/revoke/", "/admin/coupons/merchantkey/do/x/roll/", "/admin/r/1/1/",
    "/admin/invitation/MQ/x-y/", "/admin/code/", "/admin/code/key.svg", "/", "/api/v1/docs",
    "/events", "/events/sale",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("is_in", [True, False])
def test_no_other_view_goes_where_a_request_says(path: str, is_in: bool, mina: User) -> None:
    browser = Client()
    if is_in:
        browser.force_login(mina)
    for evil in EVIL[:12]:
        names = ("next", "redirect_to", "url", "return", "_popup")
        question = "&".join(f"{name}={quote(evil)}" for name in names)
        all_end_here(browser.get(f"{path}?{question}", secure=True))
        form = {"next": evil, "_selected_action": "1", "verb": evil}
        all_end_here(browser.post(path, form, secure=True))
        if is_in:
            browser.force_login(mina)  # if that was the logout


@pytest.mark.parametrize("path", [
    "//evil.example/admin", "//evil.example/admin/coupons", "/\\evil.example/admin",
    "//evil.example/%2e%2e", "/admin//evil.example", "/admin/https://evil.example",
    "/admin/coupons/campaign//evil.example/change", "//admin", "/events//evil.example",
])  # fmt: skip
def test_an_address_without_its_last_slash_stays_here(path: str, mina: User) -> None:
    """Django appends a slash by a redirect to the path itself."""
    browser = Client()
    browser.force_login(mina)
    for one in (browser, Client()):
        answer = one.generic("GET", path, secure=True)
        all_end_here(answer)
        if "Location" in answer.headers:
            assert not answer.headers["Location"].startswith(("//", "/\\"))
