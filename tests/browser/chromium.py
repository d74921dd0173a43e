"""A headless Chromium, the system's own, driven by Playwright (https://playwright.dev/python/)."""

import base64
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.config.waiting import text_of

PATIENCE_S = 120  # on a busy machine a page alone takes eighty
_TABLET = 600  # narrower ones have no scroll bar beside the page
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,1000",
]  # fmt: skip
IN_CHROMIUM = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(
        shutil.which("chromium") is None and "CI" not in os.environ,
        reason="chromium is not installed (apt: chromium).",
    ),
]
expect.set_options(timeout=1000 * PATIENCE_S)


class Browser:
    """One browser window. Each method waits until its element exists, or fails after PATIENCE_S."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._devtools = page.context.new_cdp_session(page)

    def go_to(self, url: str) -> None:
        self._page.goto(url)

    def wait_for_element(self, css: str) -> None:
        try:
            self._first(css).wait_for(state="attached")
        except PlaywrightTimeout as timeout:
            timeout.add_note(f"{self._page.url} says: {self._page.inner_text('body')[:500]}")
            raise

    def click_element(self, css: str) -> None:
        self._first(css).click()

    def type_text(self, css: str, text: str) -> None:
        """Type the text key by key at the end of the field's present value."""
        self._first(css).press_sequentially(text)

    def log_in(self, name: str, password: str) -> None:
        """Send the login form of the current page."""
        self.type_text("#id_username", name)
        self.type_text("#id_password", password)
        self.click_element("[type=submit]")
        self.wait_for_element("#user-tools")

    def visible_text(self, css: str) -> str:
        """The text as a user sees it: without hidden elements, letter case as the CSS sets it."""
        return str(self._first(css).inner_text())

    def wait_for_text(self, css: str, text: str) -> None:
        """Wait until the element contains the text."""
        expect(self._first(css)).to_contain_text(text, use_inner_text=True)

    def wait_until_gone(self, css: str, text: str) -> None:
        """Wait until the element no longer contains the text."""
        expect(self._first(css)).not_to_contain_text(text, use_inner_text=True)

    def wait_until_hidden(self, css: str) -> None:
        """Wait until no such element is visible."""
        expect(self._page.locator(css).filter(visible=True)).to_have_count(0)

    def wait_until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not (seen := holds()):
            assert time.monotonic() < deadline, f"never: {text_of(holds)}\nlast: {seen}"
            self._page.wait_for_timeout(50)

    def run_script(self, script: str) -> Any:
        """Run the script as the body of a function in the page, and return its result."""
        return self._page.evaluate(f"() => {{ {script} }}")

    def cookies_by_name(self) -> dict[str, dict[str, Any]]:
        return {each["name"]: cast("dict[str, Any]", each) for each in self._page.context.cookies()}

    def set_cookie(self, name: str, value: str) -> None:
        self._page.context.add_cookies([{"name": name, "value": value, "url": self._page.url}])

    def forget_cookies(self, name: str | None = None) -> None:
        """Delete this cookie, or all if no name is given."""
        if name is None:
            self._page.context.clear_cookies()
        else:
            self._page.context.clear_cookies(name=name)

    def resize_page(self, width: int, height: int) -> None:
        """Set the size of the page, which may be smaller than the smallest window."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < _TABLET}
        self._devtools.send("Emulation.setDeviceMetricsOverride", size)

    def axe_violations(self) -> list[str]:
        """What axe finds in the page: rule, and the elements."""
        options = {"resultTypes": ["violations"]}
        found = Axe().run(self._page, options=options).response["violations"]
        return [f"{rule['id']}: {[node['target'] for node in rule['nodes']]}" for rule in found]

    def save_screenshot(self, path: Path) -> None:
        """Save the whole page as an image, also the part below the window's edge."""
        picture = self._devtools.send("Page.captureScreenshot", {"captureBeyondViewport": True})
        path.write_bytes(base64.b64decode(picture["data"]))

    def _first(self, css: str) -> Any:
        return self._page.locator(css).first


@contextmanager
def start_browser(folder: Path, *, language: str = "en") -> Iterator[Browser]:
    """Start Chromium with its profile in this folder; it ends with the block. Fails at its end if
    a page did something that its content security policy forbids."""
    refused: list[str] = []
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright runs an event loop in this thread; Django's queries here are not part of it.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "yes")
        context = playwright.chromium.launch_persistent_context(
            folder / "profile",
            executable_path=shutil.which("chromium"),
            args=ARGUMENTS,
            locale=language,
            no_viewport=True,  # the window's size, or that of `resize_page`
        )
        context.set_default_timeout(1000 * PATIENCE_S)
        context.on("console", lambda said: _keep_violation(said.text, refused))
        try:
            yield Browser(context.pages[0])
        finally:
            context.close()
    assert not refused, refused


def _keep_violation(text: str, refused: list[str]) -> None:
    if "Content Security Policy" in text:
        refused.append(text)
