"""A headless Chromium, driven over the W3C WebDriver protocol (https://www.w3.org/TR/webdriver2/)."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from tests.servers import free_port, listens, process

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the protocol's name for a reference
_CHROMIUM = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
    "--window-size=1280,1000",
]  # fmt: skip
_PATIENCE_S = 20
_TABLET = 600  # narrower ones have no scroll bar beside the page
_http = build_opener(ProxyHandler({}))  # chromedriver is here, whatever proxy there is


class Browser:
    """One window. Every method waits until what it asks for is there, or fails with a sentence."""

    def __init__(self, address: str) -> None:
        self.address = address

    def ask(self, method: str, path: str, **body: Any) -> Any:
        data = json.dumps(body).encode() if method == "POST" else None
        try:
            with _http.open(
                Request(self.address + path, data, method=method), timeout=60
            ) as answer:
                return json.load(answer)["value"]
        except HTTPError as error:
            raise LookupError(json.load(error)["value"]["message"]) from None

    def go(self, url: str) -> None:
        self.ask("POST", "/url", url=url)

    def find(self, css: str) -> str:
        wanted = {"using": "css selector", "value": css}
        found: dict[str, str] = self._until(lambda: self.ask("POST", "/element", **wanted))
        return found[_ELEMENT]

    def click(self, css: str) -> None:
        self._until(lambda: self.ask("POST", f"/element/{self.find(css)}/click"))

    def type(self, css: str, text: str) -> None:
        self.ask("POST", f"/element/{self.find(css)}/value", text=text)

    def text(self, css: str) -> str:
        said: str = self._until(lambda: self.ask("GET", f"/element/{self.find(css)}/text"))
        return said

    def sees(self, css: str, text: str) -> None:
        """Wait until the element says so."""

        def look() -> None:
            if text not in (said := self.text(css)):
                raise LookupError(f"{css} says {said!r}, not {text!r}")

        self._until(look)

    def gone(self, css: str) -> None:
        """Wait until no such element is seen."""
        script = f"return [...document.querySelectorAll({css!r})].some(e => e.checkVisibility())"
        self.until(lambda: not self.run(script))

    def until(self, holds: Callable[[], bool]) -> None:
        def look() -> None:
            if not holds():
                raise LookupError("It never came true.")

        self._until(look)

    def run(self, script: str) -> Any:
        return self.ask("POST", "/execute/sync", script=script, args=[])

    def resize(self, width: int, height: int) -> None:
        """The page's own size, which may be less than a window's least."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < _TABLET}
        self._devtools("Emulation.setDeviceMetricsOverride", **size)

    def shoot(self, path: Path) -> None:
        """The whole page, also what stands below the window's edge."""
        said = self._devtools("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(said["data"]))

    def _devtools(self, command: str, **words: Any) -> Any:
        return self.ask("POST", "/goog/cdp/execute", cmd=command, params=words)

    def _until(self, attempt: Any) -> Any:
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                return attempt()
            except LookupError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)


@contextmanager
def browser(folder: Path, *, language: str = "en") -> Iterator[Browser]:
    """From the start of chromedriver to its end; its log and profile are kept in the folder."""
    port = free_port()
    command = ["chromedriver", f"--port={port}"]
    with process(command, ready=lambda: listens(port), log=folder / "chromedriver.log"):
        driver = Browser(f"http://127.0.0.1:{port}")
        options = {
            "args": [*_CHROMIUM, f"--user-data-dir={folder}/profile", f"--lang={language}"],
            "prefs": {"intl.accept_languages": language},
        }
        wanted = {"alwaysMatch": {"goog:chromeOptions": options}}
        window = driver.ask("POST", "/session", capabilities=wanted)["sessionId"]
        driver.address += f"/session/{window}"
        try:
            yield driver
        finally:
            driver.ask("DELETE", "")
