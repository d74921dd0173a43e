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
from playwright.sync_api import Page, expect, sync_playwright

_PATIENCE_S = 20
_TABLET = 600  # narrower ones have no scroll bar beside the page
_ARGUMENTS = [
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
expect.set_options(timeout=1000 * _PATIENCE_S)


class Browser:
    """One window. Every method waits until what it asks for is there, or fails with a sentence."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._devtools = page.context.new_cdp_session(page)

    def go_to(self, url: str) -> None:
        self._page.goto(url)

    def wait_for_element(self, css: str) -> None:
        self._first(css).wait_for(state="attached")

    def click_element(self, css: str) -> None:
        self._first(css).click()

    def type_text(self, css: str, text: str) -> None:
        """Key by key, after what the field holds."""
        self._first(css).press_sequentially(text)

    def visible_text(self, css: str) -> str:
        """As it is seen: of hidden elements nothing, and in the letters of the style sheet."""
        return str(self._first(css).inner_text())

    def wait_for_text(self, css: str, text: str) -> None:
        """Wait until the element says so."""
        expect(self._first(css)).to_contain_text(text, use_inner_text=True)

    def wait_until_hidden(self, css: str) -> None:
        """Wait until no such element is seen."""
        expect(self._page.locator(css).filter(visible=True)).to_have_count(0)

    def wait_until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while not holds():
            assert time.monotonic() < deadline, "it never came true"
            self._page.wait_for_timeout(50)

    def run_script(self, script: str) -> Any:
        """The body of a function; what it returns."""
        return self._page.evaluate(f"() => {{ {script} }}")

    def cookies_by_name(self) -> dict[str, dict[str, Any]]:
        return {each["name"]: cast("dict[str, Any]", each) for each in self._page.context.cookies()}

    def set_cookie(self, name: str, value: str) -> None:
        self._page.context.add_cookies([{"name": name, "value": value, "url": self._page.url}])

    def forget_cookies(self, name: str | None = None) -> None:
        """This one, or all."""
        if name is None:
            self._page.context.clear_cookies()
        else:
            self._page.context.clear_cookies(name=name)

    def resize_page(self, width: int, height: int) -> None:
        """The page's own size, which may be less than a window's least."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < _TABLET}
        self._devtools.send("Emulation.setDeviceMetricsOverride", size)

    def save_screenshot(self, path: Path) -> None:
        """The whole page, also what stands below the window's edge."""
        picture = self._devtools.send("Page.captureScreenshot", {"captureBeyondViewport": True})
        path.write_bytes(base64.b64decode(picture["data"]))

    def _first(self, css: str) -> Any:
        return self._page.locator(css).first


@contextmanager
def start_browser(folder: Path, *, language: str = "en") -> Iterator[Browser]:
    """From its start to its end; its profile is kept in the folder."""
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright runs an event loop in this thread; Django's queries here are not part of it.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "yes")
        context = playwright.chromium.launch_persistent_context(
            folder / "profile",
            executable_path=shutil.which("chromium"),
            args=_ARGUMENTS,
            locale=language,
            no_viewport=True,  # the window's size, or that of `resize`
        )
        context.set_default_timeout(1000 * _PATIENCE_S)
        try:
            yield Browser(context.pages[0])
        finally:
            context.close()
