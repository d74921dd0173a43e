"""18.7: the button on a page of the shop, on the shop's own origin, under the shop's own policy."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from coupons.identity import user_tokens
from tests.browser.chromium import IN_CHROMIUM
from tests.browser.events.event_site import EventSite, start_event_site
from tests.browser.events.visitors import Visitor, Visitors
from tests.conftest import CampaignMaker, Person
from tests.harness.servers import free_port

pytestmark = [*IN_CHROMIUM, pytest.mark.django_db(transaction=True)]

LISTEN = """document.addEventListener("DOMContentLoaded", () => {
  globalThis.heard = [];
  for (const name of ["coupon-state", "coupon-claimed", "coupon-held", "coupon-refused",
    "coupon-login-needed"]) document.addEventListener(name, (event) =>
      heard.push([name, event.detail?.phase ?? event.detail?.place ?? event.detail?.code ?? ""]));
});"""
STYLE = """coupon-button { --coupon-accent: rgb(26, 86, 219); }
coupon-button::part(button) { text-transform: uppercase; }"""


class Shop(ThreadingHTTPServer):
    """Its page, its script and style, and /token for whoever is logged in (`user`)."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Answers)
        self.origin, self.site = f"http://127.0.0.1:{port}", ""
        self.user, self.lifetime_s, self.tokens = "ann", 300, 0
        self.api = self.campaign = ""

    def page(self) -> str:
        return (
            f'<!doctype html><html lang="en"><title>Shop</title><link rel=stylesheet href=/style>'
            "<script src=/script></script>"
            f'<script src="{self.site}/coupon-button.js" defer></script>'
            f'<h1>Shop</h1><coupon-button campaign="{self.campaign}" api="{self.api}"'
            ' token-url="/token" login-url="/login"></coupon-button>'
        )


class _Answers(BaseHTTPRequestHandler):
    server: Shop

    def do_GET(self) -> None:
        shop = self.server
        kinds = {"/script": ("text/javascript", LISTEN), "/style": ("text/css", STYLE)}
        kind, body = kinds.get(self.path, ("text/html", shop.page()))
        status = 200
        if self.path == "/token":
            shop.tokens += 1
            status = 200 if shop.user else 401
            token = shop.user and user_tokens.mint_token(shop.user, lifetime_s=shop.lifetime_s)
            kind, body = "application/json", json.dumps({"token": token})
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        policy = f"default-src 'none'; style-src 'self'; script-src 'self' {shop.site};"
        policy += f" connect-src 'self' {shop.api}; img-src data:"
        self.send_header("Content-Security-Policy", policy)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Silent."""


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with Shop(free_port()) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


@pytest.fixture
def embedding(
    shop: Shop,
    child_environment: dict[str, str],
    collected_static: None,
    tmp_path: Path,
    visitors: Visitors,
) -> Iterator[EventSite]:
    """A site whose API lets the shop's pages call it."""
    with start_event_site(child_environment, tmp_path, also_from=(shop.origin,)) as site:
        shop.site, shop.api = site.pages, site.api
        shop.user, shop.lifetime_s, shop.tokens = "ann", 300, 0
        yield site


def heard(visitor: Visitor) -> list[list[Any]]:
    return list(visitor.run_in_page("heard"))


def arrive(visitors: Visitors, shop: Shop, campaign: str) -> Visitor:
    shop.campaign = campaign
    visitor = visitors.arrive()
    visitor.allowed |= {shop.origin, shop.site, shop.api}
    visitor.go_to(f"{shop.origin}/")
    return visitor


def test_the_embedded_button_from_log_in_to_coupon(
    embedding: EventSite, shop: Shop, visitors: Visitors, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale", stock=2)
    open_campaign("gone", stock=1)
    assert Person("bob").claims("gone").status_code == 202

    shop.user = ""
    visitor = arrive(visitors, shop, "sale")
    visitor.wait_for_text("[part=login]", "Log in at the shop")
    assert visitor.attribute("[part=login]", "href") == "/login"
    shop.user = "ann"
    visitor.reload()
    visitor.wait_for_open()
    style = "getComputedStyle(document.querySelector('coupon-button').shadowRoot"
    shown = visitor.run_in_page(
        f"(({{textTransform, backgroundColor}}) => [textTransform, backgroundColor])"
        f"({style}.querySelector('[part=button]')))"
    )
    assert shown == ["uppercase", "rgb(26, 86, 219)"]
    visitor.click_element("[part=button]")
    visitor.wait_for_text("[part=result]", "You were number 1.")
    assert ["coupon-claimed", 1] in heard(visitor) and ["coupon-state", "open"] in heard(visitor)
    visitor.reload()
    visitor.wait_for_text("[part=result]", "You have this coupon already.")
    assert ["coupon-held", 1] in heard(visitor)
    assert "coupon-claimed" not in [name for name, _ in heard(visitor)]

    refused = arrive(visitors, shop, "gone")
    refused.wait_for_text("[part=state]", "All coupons are gone.")
    refused.press_without_waiting()
    refused.wait_for_text("[part=margin]", "The last coupon went at")
    assert ["coupon-refused", "sold_out"] in heard(refused)


def test_a_token_that_ends_while_waiting_is_fetched_again(
    embedding: EventSite, shop: Shop, visitors: Visitors, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale")
    shop.lifetime_s = 1  # every request needs a new one
    visitor = arrive(visitors, shop, "sale")
    visitor.wait_for_open()
    visitor.page.wait_for_timeout(1500)
    before = shop.tokens
    visitor.click_element("[part=button]")
    visitor.wait_for_text("[part=result]", "It is yours!")
    assert shop.tokens > before
