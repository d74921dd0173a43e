"""HAProxy's own page of an overloaded site, in a browser: it has its style, and loads itself again
with the address's fragment, which may carry a token."""

from pathlib import Path

from tests.browser.chromium import IN_CHROMIUM, start_browser
from tests.harness import servers
from tests.harness.front import API_PATHS, FrontDoor, pages_behind, start_front

pytestmark = IN_CHROMIUM
# What the application shows, once it answers again.
ANSWERS = """
from http.server import BaseHTTPRequestHandler, HTTPServer
import sys
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", "17")
        self.end_headers()
        self.wfile.write(b"<h1>The sale</h1>")
    def log_message(self, *_): pass
HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def test_the_page_of_an_overloaded_site_comes_again_with_its_fragment(tmp_path: Path) -> None:
    inner = servers.free_port()
    door = FrontDoor(
        "users", servers.free_port(), inner, paths=API_PATHS, pages=pages_behind(inner)
    )
    with start_front(tmp_path / "front", [door]), start_browser(tmp_path) as browser:
        browser.go_to(f"http://127.0.0.1:{door.port}/events/sale?lang=en#token=a.b.c")
        browser.wait_for_text("h1", "Too many requests at once")
        assert browser.run_script("return getComputedStyle(document.body).maxWidth") == "512px"
        command = ["python3", "-c", ANSWERS, str(inner)]
        log = tmp_path / "inner.log"
        with servers.start_process(command, ready=lambda: servers.is_listening(inner), log=log):
            browser.wait_for_text("h1", "The sale")
            assert browser.run_script("return location.hash") == "#token=a.b.c"
