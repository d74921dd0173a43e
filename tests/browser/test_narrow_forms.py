"""The form of a campaign in a narrow window: every value is visible as a whole."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.browser.chromium import IN_CHROMIUM, start_browser

pytestmark = [*IN_CHROMIUM, pytest.mark.django_db(transaction=True)]
PASSWORD = "only-in-this-test"
# Inputs that are narrower than their value: name, their width, the width they need.
CUT = """
return Array.from(document.querySelectorAll('input[type=datetime-local]')).flatMap(each => {
  const has = each.getBoundingClientRect().width, kept = each.style.cssText
  each.style.cssText = 'width: max-content !important; max-width: none !important; flex: none'
  const needs = each.getBoundingClientRect().width
  each.style.cssText = kept
  return has + 1 < needs ? [[each.name, has, needs]] : []
})"""


def test_date_inputs_are_not_cut_off_in_a_narrow_window(
    live_server: Any, tmp_path: Path, settings: Any
) -> None:
    """Also for a local time that occurs twice, where the form shows the choice beside the field."""
    settings.TIME_ZONE = "Europe/Berlin"
    User.objects.create_superuser("mina", password=PASSWORD)
    with start_browser(tmp_path) as window:
        window.go_to(f"{live_server.url}/admin/")
        window.log_in("mina", PASSWORD)
        window.go_to(f"{live_server.url}/admin/coupons/campaign/add/?opens_at=2026-10-25T02:30")
        window.wait_for_element("#id_opens_at")
        cut = {}
        for width in (320, 360, 390, 500, 600, 640, 768, 1000, 1280):
            window.resize_page(width, 900)
            cut[width] = window.run_script(CUT)
        assert {width: found for width, found in cut.items() if found} == {}


def test_no_page_requests_a_missing_icon(live_server: Any, tmp_path: Path) -> None:
    """Without an icon link in the page, browsers request /favicon.ico: a 404 in every log."""
    told = "return document.querySelectorAll('link[rel=icon]').length"
    with start_browser(tmp_path) as window:
        for path in ("/", "/admin/", "/admin/nothing/", "/api/v1/docs"):
            window.go_to(live_server.url + path)
            assert window.run_script(told) == 1, path
