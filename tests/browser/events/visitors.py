"""Visitors of the public pages: windows of one headless Chromium, each with storage, language,
clock, size and network of its own, and everything that went wrong in it."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, ConsoleMessage, sync_playwright

from tests.browser.chromium import ARGUMENTS, PATIENCE_S, Browser

SCRIPTS = Path(__file__).parent / "scripts"
_TABLET = 600  # px; narrower ones are phones, with a touch screen
# A refusal is an answer: Chromium reports every status from 400 on, and every lost connection.
_EXPECTED = "Failed to load resource"


@dataclass
class Seen:
    """Of one visitor: the origins that the page asked, and what the console reported as errors,
    among them violations of the content security policy."""

    origins: set[str] = field(default_factory=set)
    requests: list[str] = field(default_factory=list)  # `METHOD address`
    errors: list[str] = field(default_factory=list)

    def take_message(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(_EXPECTED):
            self.errors.append(message.text)

    def take_request(self, method: str, url: str) -> None:
        if url.startswith("http"):
            self.origins.add("{0.scheme}://{0.netloc}".format(urlsplit(url)))
            self.requests.append(f"{method} {url}")


class Visitor(Browser):
    """A person with a window."""

    def __init__(self, context: BrowserContext) -> None:
        context.set_default_timeout(1000 * PATIENCE_S)
        context.add_init_script(path=SCRIPTS / "watch_policy.js")
        context.add_init_script(path=SCRIPTS / "local_clock.js")
        self.context = context
        self.seen = Seen()
        self.allowed: set[str] = set()  # origins beside those of the site
        super().__init__(context.new_page())
        self.page = self._page
        self.page.on("console", self.seen.take_message)
        self.page.on("pageerror", lambda error: self.seen.errors.append(str(error)))
        self.page.on("request", lambda sent: self.seen.take_request(sent.method, sent.url))

    def claims_sent(self) -> int:
        return sum(sent.startswith("POST") and "/claims" in sent for sent in self.seen.requests)

    def wait_for_open(self) -> None:
        """Wait until the button can be pressed."""
        self.wait_for_element("[part=button][aria-disabled=false]")

    def press_without_waiting(self) -> None:
        """Press by the element's own method: two visitors press at one moment."""
        self.run_in_page("void document.querySelector('coupon-button').press()")

    def is_visible(self, css: str) -> bool:
        return bool(self._first(css).is_visible())

    def attribute(self, css: str, name: str) -> str:
        return str(self._first(css).get_attribute(name))

    def run_in_page(self, script: str, argument: Any = None) -> Any:
        """The value of the expression or function in the page."""
        return self.page.evaluate(script, argument)

    def press_key(self, key: str) -> None:
        self.page.keyboard.press(key)

    def reload(self) -> None:
        self.page.reload()

    def go_offline(self, is_offline: bool = True) -> None:
        self.context.set_offline(is_offline)

    def set_theme(self, theme: str) -> None:
        """`light` or `dark`, as the system's setting."""
        self.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]

    def set_width(self, width: int) -> None:
        self.page.set_viewport_size({"width": width, "height": 800})

    def axe_violations(self) -> list[str]:
        """What axe finds in the page as it is: rule, impact, elements. The script is evaluated by
        DevTools, so the page's policy is in force and does not stop it."""
        options = {"resultTypes": ["violations"]}
        found = Axe().run(self.page, options=options).response["violations"]
        return [
            f"{rule['id']} ({rule['impact']}): "
            + json.dumps(
                [(node["target"], node.get("failureSummary", "")) for node in rule["nodes"]]
            )
            for rule in found
        ]

    def save_picture(self, path: Path) -> None:
        """The whole page, also what is below the window's edge."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=path, full_page=True, animations="disabled")


class Visitors:
    """Opens windows; `check_all` fails if one of them saw an error or asked another origin."""

    def __init__(self, chromium: Chromium) -> None:
        self._chromium = chromium
        self._open: list[Visitor] = []

    def arrive(
        self,
        *,
        language: str = "en",
        width: int = 1280,
        theme: str = "light",
        zone: str = "UTC",
        javascript: bool = True,
        clock_ahead_s: float = 0,
    ) -> Visitor:
        """A new window. `clock_ahead_s`: how wrong the visitor's wall clock is."""
        context = self._chromium.new_context(
            locale=language,
            timezone_id=zone,
            viewport={"width": width, "height": 800},
            color_scheme=theme,  # type: ignore[arg-type]
            has_touch=width < _TABLET,
            is_mobile=width < _TABLET,
            java_script_enabled=javascript,
            reduced_motion="reduce",
        )
        context.add_init_script(f"globalThis.clockAheadMs = {1000 * clock_ahead_s}")
        visitor = Visitor(context)
        self._open.append(visitor)
        return visitor

    def check_all(self, origins: set[str]) -> None:
        for visitor in self._open:
            assert visitor.seen.errors == []
            assert visitor.seen.origins <= origins | visitor.allowed

    def leave_all(self) -> None:
        while self._open:
            self._open.pop().context.close()


@contextmanager
def start_visitors() -> Iterator[Visitors]:
    """One Chromium for several tests; it ends with the block."""
    # Playwright runs an event loop in this thread; Django's queries here are not part of it.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "yes"
    try:
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=ARGUMENTS
            )
            yield Visitors(chromium)
            chromium.close()
    finally:
        if before is None:
            del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
