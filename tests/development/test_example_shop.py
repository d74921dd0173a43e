"""The example shop: it logs users in, hands them over, and redeems their coupons."""

import ast
import http.client
import os
import re
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings

from config import env
from config.development.django_side import __main__ as django_side
from config.development.django_side import campaign as campaigns
from config.development.process import commands
from coupons.identity import user_tokens
from coupons.merchants import api_keys
from coupons.models import Campaign, Merchant, MerchantKey
from tests.conftest import CampaignMaker
from tests.harness import servers, services

SHOP = env.BASE_DIR / "config" / "development" / "example_shop.py"
PAGES = "http://pages.example"


class Browser:
    """Keeps the shop's cookie, and follows no redirect."""

    def __init__(self, port: int) -> None:
        self.port, self.cookie = port, ""

    def send(self, path: str, **form: str) -> tuple[int, str, Any]:
        """GET, or POST of the form. Returns status, body and headers."""
        headers = {"Cookie": self.cookie, "Content-Type": "application/x-www-form-urlencoded"}
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request("POST" if form else "GET", path, urlencode(form), headers)
            answer = connection.getresponse()
            body = answer.read().decode()
        if given := answer.headers.get("Set-Cookie"):
            assert "HttpOnly" in given
            assert "SameSite=Lax" in given
            self.cookie = given.partition(";")[0]
        return answer.status, body, answer.headers


def start_shop(folder: Path, **own: str) -> Any:
    port = servers.free_port()
    environment = {
        "PATH": os.environ["PATH"], "SHOP_PORT": str(port), "COUPONS_KEY": "cpk_live_none",
        "JWT_HS256_SECRET": settings.JWT_HS256_SECRET, "COUPONS_PAGES_URL": PAGES, **own,
    }  # fmt: skip
    ready, log = (lambda: servers.is_listening(port)), folder / "shop.log"
    running = servers.start_process(commands.SHOP, ready=ready, log=log, env=environment)
    return port, running


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    port, running = start_shop(tmp_path_factory.mktemp("shop"))
    with running:
        yield port


def log_in(port: int, name: str = "mina") -> Browser:
    browser = Browser(port)
    assert browser.send("/login", name=name, campaign="sale")[0] == 303
    return browser


def hidden(body: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', body)
    assert found, body
    return found[1]


def test_it_imports_nothing_of_ours() -> None:
    ours = {path.name for path in env.BASE_DIR.iterdir()}
    tree = ast.parse(SHOP.read_text())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {
        name.partition(".")[0]
        for node in imports
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [a.name for a in node.names]
        )
    }
    assert "jwt" in names
    assert not names & ours
    assert names - {"jwt"} <= sys.stdlib_module_names


def test_a_user_who_logged_in_is_handed_over_in_a_posted_form(shop: int) -> None:
    _, body, headers = log_in(shop).send("/?campaign=sale")
    assert f'<form method="post" action="{PAGES}/events/sale">' in body
    assert user_tokens.verify_token(hidden(body, "token")).user == "mina"
    assert headers["Cache-Control"] == "no-store"


def test_a_token_is_for_who_is_logged_in_and_for_this_shops_pages(shop: int) -> None:
    status, body, _ = Browser(shop).send("/token")
    assert (status, body) == (401, "{}")
    _, body, headers = log_in(shop, "민아").send("/token")
    assert user_tokens.verify_token(body.split('"')[3]).user == "민아"
    assert "Access-Control-Allow-Origin" not in headers


def test_a_session_that_the_shop_did_not_sign_is_none(shop: int) -> None:
    browser = log_in(shop)
    signature = browser.cookie.partition(".")[2]
    for session in (f"{b'jun'.hex()}.{signature}", f"{b'jun'.hex()}.", "zz.zz", b"jun".hex(), ""):
        browser.cookie = f"shop_session={session}"
        assert browser.send("/token")[0] == 401, session


def test_what_a_user_sends_is_shown_as_text(shop: int) -> None:
    mark = '"><script>alert(1)</script>'
    for body in (
        Browser(shop).send(f"/?{urlencode({'campaign': mark})}")[1],
        log_in(shop, mark).send("/")[1],
        log_in(shop).send(f"/own-page?{urlencode({'campaign': mark})}")[1],
    ):
        assert "<script>alert" not in body


def test_its_own_page_has_the_button(shop: int) -> None:
    body = log_in(shop).send("/own-page?campaign=sale")[1]
    assert '<coupon-button campaign="sale"' in body
    assert 'token-url="/token"' in body
    assert f'<script src="{PAGES}/coupon-button.js" defer></script>' in body


@pytest.mark.django_db
def test_each_run_has_one_key_of_the_shop() -> None:
    Merchant.objects.create(slug=campaigns.RUN_MERCHANT, name="The shop")
    first, second = django_side._shop_key(), django_side._shop_key()
    assert first != second
    valid = MerchantKey.objects.filter(revoked=False).values_list("prefix", flat=True)
    assert [second.removeprefix(api_keys.LABEL).partition(".")[0]] == list(valid)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_shopper_redeems_a_coupon_and_an_opening_is_scheduled(
    open_campaign: CampaignMaker, child_environment: dict[str, str], tmp_path: Path
) -> None:
    merchant = Merchant.objects.create(slug="shop", name="The shop")
    sale = open_campaign("sale", strategy="direct", merchant=merchant)
    scopes = ("read", "redeem", "campaigns")
    _, key = api_keys.make_key(merchant, name="shop", scopes=scopes)
    with services.start_web(child_environment | {"DOOR": "all"}, tmp_path) as web:
        site = f"http://127.0.0.1:{web}"
        port, running = start_shop(tmp_path, COUPONS_KEY=key, COUPONS_MERCHANTS_URL=site)
        with running:
            browser = log_in(port)
            code = claim(web, sale.slug, hidden(browser.send("/?campaign=sale")[1], "token"))
            assert "is not a coupon code" in browser.send("/quote", code="AAAA-BBBB")[1]
            quoted = browser.send("/quote", code=code)[1]
            order = {"code": hidden(quoted, "code"), "order": hidden(quoted, "order")}
            assert "Thank you" in browser.send("/pay", **order)[1]
            assert "Thank you" in browser.send("/pay", **order)[1], "the same order again"
            assert "Thank you" not in browser.send("/pay", code=code, order="order-2")[1]
            where = browser.send("/opening", x="1")[2]["Location"]
    assert where.partition("=")[2] in scheduled_slugs()


def claim(port: int, slug: str, token: str) -> str:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        path = f"/api/v1/campaigns/{slug}/claims"
        connection.request("POST", path, headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        found = re.search(r'"code": ?"([^"]+)"', answer.read().decode())
        assert found, answer.status
        return found[1]


def scheduled_slugs() -> list[str]:
    found = Campaign.objects.filter(state="scheduled")
    return list(found.values_list("slug", flat=True))
