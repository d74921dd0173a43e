"""13.5: the operators' door of a production site, for a browser at the end of an ssh tunnel."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from tests.browser.chromium import IN_CHROMIUM, Browser, start_browser
from tests.config.test_settings import PRODUCTION
from tests.harness import services

PASSWORD = "only-in-this-test"

pytestmark = IN_CHROMIUM


@pytest.fixture
def chromium(tmp_path: Path) -> Iterator[Browser]:
    with start_browser(tmp_path) as window:
        yield window


@pytest.fixture
def https_site_port(
    child_environment: dict[str, str], collected_static: None, tmp_path: Path
) -> Iterator[int]:
    """A site with a certificate: its users are redirected to HTTPS."""
    User.objects.create_superuser("mina", password=PASSWORD)
    stores = {name: child_environment[name] for name in ("DATABASE_URL", "REDIS_URL")}
    given = child_environment | PRODUCTION | stores | {
        "DOOR": "operators", "SECURE_SSL_REDIRECT": "yes", "SHED_AFTER_S": "0",
        "OPERATOR_TOTP": "no",  # tests/browser/test_second_factor.py has it
    }  # fmt: skip
    with services.start_web(given, tmp_path) as served:
        yield served


def test_13_5_an_operator_logs_in_at_localhost_with_secure_cookies(
    https_site_port: int, chromium: Browser
) -> None:
    chromium.go_to(f"http://localhost:{https_site_port}/admin/")
    chromium.log_in("mina", PASSWORD)
    chromium.wait_for_text("#user-tools", "MINA")  # by the style sheet, which the front passes on
    cookies = chromium.cookies_by_name()
    known = next(name for name in cookies if name.startswith("known_browser_"))
    assert {"sessionid", known} <= cookies.keys()
    for name in ("sessionid", known):
        assert (cookies[name]["secure"], cookies[name]["httpOnly"]) == (True, True)
    assert (cookies[known]["path"], cookies[known]["sameSite"]) == ("/admin/", "Strict")
