"""An operator's first and second login on a phone: link, password, authenticator app, recovery
codes, code. In both languages, without a scroll bar to the side; `start_browser` fails if a page
does what its content security policy forbids."""

import re
from base64 import b32decode
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from tests.browser.chromium import IN_CHROMIUM, Browser, start_browser

pytestmark = [*IN_CHROMIUM, pytest.mark.django_db(transaction=True)]
PASSWORD = "only-in-this-very-test"
WIDER = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
PICTURE = "const it = document.querySelector('img.key'); return it.complete && it.naturalWidth"


def link_of_new_operator() -> str:
    said = StringIO()
    call_command("operator", "mina", "--role", "superuser", stdout=said)
    found = re.search(r"(/admin/invitation/\S+)", said.getvalue())
    assert found is not None
    return found[1]


def next_code(ahead: int = 0) -> str:
    device = TOTPDevice.objects.get()
    return f"{totp(device.bin_key, drift=ahead):06d}"


def first_code(window: Browser) -> str:
    """Of the key as the page shows it."""
    typed = str(window.run_script("return document.querySelector('#key').textContent"))
    return f"{totp(b32decode(typed.replace(' ', ''))):06d}"


def look_at(window: Browser, folder: Path, name: str) -> None:
    window.save_screenshot(folder / f"{name}.png")
    assert window.run_script(WIDER) <= 0, name


@pytest.mark.parametrize(("language", "heading"), [("en", "Set up your second factor"),
                                                   ("ko", "2단계 인증 설정")])  # fmt: skip
def test_an_operator_enrols_on_a_phone_and_logs_in_again(
    live_server: Any, tmp_path: Path, settings: Any, language: str, heading: str
) -> None:
    settings.OPERATOR_TOTP = True
    link = link_of_new_operator()
    with start_browser(tmp_path, language=language) as window:
        window.resize_page(390, 844)
        window.go_to(live_server.url + link)
        window.type_text("#id_new_password1", PASSWORD)
        window.type_text("#id_new_password2", PASSWORD)
        look_at(window, tmp_path, "password")
        window.click_element("main [type=submit]")
        log_in(window)
        window.wait_for_text("h1", heading)
        window.wait_until(lambda: bool(window.run_script(PICTURE)))
        look_at(window, tmp_path, "enrol")
        window.type_text("[name=code]", first_code(window))
        window.click_element("main [type=submit]")
        window.wait_for_element(".codes")
        look_at(window, tmp_path, "codes")
        window.click_element("a.button")
        window.wait_for_element("#user-tools")
        window.click_element("#logout-form [type=submit]")
        window.go_to(f"{live_server.url}/admin/coupons/campaign/")
        log_in(window)
        window.type_text("[name=code]", "000000")
        window.click_element("main [type=submit]")
        window.wait_for_element(".wrong")
        look_at(window, tmp_path, "wrong")
        window.type_text("[name=code]", next_code(ahead=1))  # that of now was used
        window.click_element("main [type=submit]")
        window.wait_for_element("#changelist")


def log_in(window: Browser) -> None:
    window.type_text("#id_username", "mina")
    window.type_text("#id_password", PASSWORD)
    window.click_element("[type=submit]")
