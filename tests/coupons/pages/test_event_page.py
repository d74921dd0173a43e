"""The event page without JavaScript: everything goes by forms, and each answer is a page."""

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone

from coupons import store
from coupons.audit.actors import Actor
from coupons.identity import user_tokens
from coupons.issuing.drain import drain
from coupons.models import ActorKind, Coupon
from coupons.pages import hand_over
from coupons.redemption import lifecycle
from tests.conftest import CampaignMaker

pytestmark = pytest.mark.urls("config.urls.pages")
PAGE, CLAIM = "/events/sale", "/events/sale/claim"


def posted(client: Client, path: str, user: str = "mina", **fields: Any) -> Any:
    return client.post(path, {"token": user_tokens.mint_token(user), **fields})


def text_of(page: Any) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.content.decode())))


def test_a_visitor_without_a_login_sees_the_event_and_where_to_log_in(
    open_campaign: CampaignMaker, client: Client, settings: Any
) -> None:
    settings.SHOP_LOGIN_URL = "https://shop.example/login?event={campaign}"
    open_campaign("sale", name="Autumn sale", discount_value=10, minimum_order=20_000)
    page = client.get(PAGE)
    assert page.status_code == 200
    assert page["Cache-Control"] == "public, max-age=2"
    shown = text_of(page)
    assert "Autumn sale" in shown and "10% off" in shown and "20,000 KRW" in shown
    assert "10 of 10 left" in shown
    assert 'href="https://shop.example/login?event=sale"' in page.content.decode()
    assert "<form" not in page.content.decode()


@pytest.mark.parametrize(("language", "days", "text"), [
    ("en", 30, "Valid for 30 days after you get it."),
    ("en", 1, "Valid for 1 day after you get it."),
    ("en", None, "Valid until 2099-12-31 23:59 KST."),
    ("ko", None, "2099-12-31 23:59 KST까지 사용"),
])  # fmt: skip
def test_the_page_says_how_long_a_coupon_is_valid(
    open_campaign: CampaignMaker, client: Client, language: str, days: int | None, text: str
) -> None:
    until = None if days else datetime(2099, 12, 31, 14, 59, tzinfo=UTC)
    open_campaign("sale", valid_days=days, valid_until=until)
    assert text in text_of(client.get(PAGE, {"lang": language}))


def test_the_page_of_a_user_claims_and_shows_the_coupon_again(
    open_campaign: CampaignMaker, client: Client
) -> None:
    campaign = open_campaign("sale")
    page = posted(client, PAGE)
    assert page["Cache-Control"] == "no-store"
    assert f'action="{CLAIM}?lang=en"' in page.content.decode()
    won = posted(client, CLAIM)
    code = campaign.code_of(user="mina", nth=1, place=1)
    shown = f"{code[:4]}-{code[4:8]}-{code[8:12]}-{code[12:]}"
    assert won.status_code == 202 and shown in text_of(won)
    again = posted(client, CLAIM)
    assert again.status_code == 200 and shown in text_of(again)
    assert shown in text_of(posted(client, PAGE))
    assert shown not in text_of(posted(client, PAGE, user="bob"))


def test_a_coupon_that_was_withdrawn_is_not_shown_as_one_to_use(
    open_campaign: CampaignMaker, client: Client
) -> None:
    open_campaign("sale")
    posted(client, CLAIM)
    drain("sale", consumer="test")
    mina = Actor(ActorKind.OPERATOR, "Mina")
    lifecycle.revoke_coupon(pk=Coupon.objects.get().pk, actor=mina, reason="stolen")
    for path in (PAGE, CLAIM):
        page = posted(client, path)
        assert "This coupon was withdrawn." in text_of(page)
        assert "You have a coupon." not in text_of(page)
        assert '<dd class="code">' not in page.content.decode()


def test_no_header_address_or_cookie_has_the_token(
    open_campaign: CampaignMaker, client: Client
) -> None:
    open_campaign("sale")
    token = user_tokens.mint_token("mina")
    page = client.post(CLAIM, {"token": token})
    assert token in page.content.decode(), "the control: the form keeps it"
    assert not page.cookies
    assert not [value for value in page.headers.values() if token in value]
    assert not re.findall(rf'(?:href|action|src)="[^"]*{re.escape(token)}', page.content.decode())


@pytest.mark.parametrize(
    ("fields", "status", "sentence"),
    [
        ({"stock": 1}, 409, "All coupons are gone. You were not among the first."),
        ({"opens_at": timezone.now() + timedelta(minutes=30)}, 409, "Not open yet."),
        ({"audience": "vip"}, 403, "This event is not open to you"),
    ],
)
def test_a_refusal_is_a_page_with_its_reason(
    open_campaign: CampaignMaker,
    client: Client,
    fields: dict[str, Any],
    status: int,
    sentence: str,
) -> None:
    open_campaign("sale", **fields)
    if status == 409 and "stock" in fields:
        posted(client, CLAIM, user="ann")
    refused = posted(client, CLAIM)
    assert refused.status_code == status
    assert sentence in text_of(refused)


def test_each_coupon_of_a_user_has_its_own_press(
    open_campaign: CampaignMaker, client: Client
) -> None:
    open_campaign("sale", per_user=2)
    first = posted(client, CLAIM, nth="1")
    assert 'name="nth" value="2"' in first.content.decode()
    second = posted(client, CLAIM, nth="2")
    assert second.status_code == 202 and 'name="nth"' not in second.content.decode()
    assert second.content.decode().count('class="code"') == 2, "both coupons"
    assert posted(client, PAGE).content.decode().count('class="code"') == 2
    assert 'name="nth" value="1"' in posted(client, CLAIM, "bob", nth="2").content.decode()


@pytest.mark.parametrize("nth", ["0", "3", "x", "-1", "1" * 30, "\u0661"])
def test_an_odd_number_asks_for_nothing(
    open_campaign: CampaignMaker, client: Client, nth: str
) -> None:
    open_campaign("sale", per_user=2)
    assert posted(client, CLAIM, nth=nth).status_code == 400
    assert store.store().campaigns.gate("sale").remaining == 10


@pytest.mark.parametrize("path", [PAGE, CLAIM])
def test_a_form_beyond_the_bounds_gets_a_page_that_says_so(
    open_campaign: CampaignMaker, client: Client, path: str
) -> None:
    open_campaign("sale")
    large = {"token": user_tokens.mint_token("mina"), "more": "x" * 3_000_000}
    many = {f"field{number}": "x" for number in range(2_000)}
    for body, status in ((large, 413), (many, 400)):
        page = client.post(path, urlencode(body), content_type="application/x-www-form-urlencoded")
        assert page.status_code == status
        assert page.headers["Content-Type"].startswith("text/html")
        assert "This form is not of this page." in text_of(page)
    assert store.store().campaigns.gate("sale").remaining == 10


def test_without_a_script_the_page_says_until_when_to_use_it(
    open_campaign: CampaignMaker, client: Client
) -> None:
    open_campaign("sale", valid_until=datetime(2099, 5, 1, 20, 16, tzinfo=UTC), valid_days=None)
    for page in (posted(client, CLAIM), posted(client, PAGE)):
        assert "<dt>Use it before</dt><dd>2099-05-02 05:16 KST</dd>" in page.content.decode()


@pytest.mark.parametrize(
    ("origin", "is_taken"),
    [
        (None, True),
        ("https://shop.example", True),
        ("https://app.shop.example", True),
        ("http://testserver", True),
        ("https://evil.example", False),
        ("https://shop.example.evil.example", False),
        ("null", False),
        ("http://[", False),
        ("https://testserver", True),
    ],
)
def test_only_the_shops_pages_hand_a_user_over(
    open_campaign: CampaignMaker,
    client: Client,
    settings: Any,
    origin: str | None,
    is_taken: bool,
) -> None:
    settings.SHOP_LOGIN_URL = "https://shop.example/login?event={campaign}"
    settings.CORS_ORIGINS = ["https://app.shop.example"]
    open_campaign("sale")
    headers = {"origin": origin} if origin else {}
    for path in (PAGE, CLAIM):
        page = client.post(path, {"token": user_tokens.mint_token("mina")}, headers=headers)
        assert (page.status_code < 400) is is_taken
    assert store.store().campaigns.gate("sale").remaining == (9 if is_taken else 10)


def test_the_shops_origin_is_known_however_its_address_is_written(
    open_campaign: CampaignMaker, client: Client, settings: Any
) -> None:
    settings.SHOP_LOGIN_URL = "https://Shop.Example:443/login"
    open_campaign("sale")
    headers = {"origin": "https://shop.example"}
    page = client.post(PAGE, {"token": user_tokens.mint_token("mina")}, headers=headers)
    assert page.status_code == 200


def test_an_odd_slug_leads_to_no_header_of_its_own(client: Client, db: None) -> None:
    answer = client.get("/events/a%0Ab/claim")
    assert answer.status_code == 303 and answer["Location"] == "/events/a%0Ab"


def test_a_user_whose_page_can_not_be_shown_loads_it_again_without_a_new_login(
    open_campaign: CampaignMaker, client: Client, redis_away: Any
) -> None:
    open_campaign("sale")
    redis_away()
    page = posted(client, PAGE)
    assert page.status_code == 503 and page["Cache-Control"] == "no-store"
    assert 'action="/events/sale?lang=en"' in page.content.decode()
    assert 'name="token"' in page.content.decode()


def test_the_other_language_keeps_the_login(open_campaign: CampaignMaker, client: Client) -> None:
    open_campaign("sale")
    page = posted(client, PAGE).content.decode()
    form = page.partition('<form class="language"')[2].partition("</form>")[0]
    assert 'action="/events/sale?lang=ko"' in form and 'name="token"' in form
    assert "eyJ" not in client.get(PAGE).content.decode()


@pytest.mark.parametrize("token", ["noise", "a.b.c", "x" * 5000])
def test_without_a_valid_token_nobody_claims(
    open_campaign: CampaignMaker, client: Client, token: str
) -> None:
    open_campaign("sale")
    for path in (PAGE, CLAIM):
        page = client.post(path, {"token": token})
        assert page.status_code == 401 and "log in at the shop again" in text_of(page)
        assert token not in page.content.decode()
    assert store.store().campaigns.gate("sale").remaining == 10


def test_a_page_of_an_expired_login_has_the_apis_status(
    open_campaign: CampaignMaker, client: Client
) -> None:
    open_campaign("sale")
    page = client.post(CLAIM, {"token": "a.b.c"})
    assert (page.status_code, page["WWW-Authenticate"]) == (401, "Bearer")


def test_while_redis_is_away_the_page_says_so_and_can_be_loaded_again(
    open_campaign: CampaignMaker, client: Client, redis_away: Any
) -> None:
    open_campaign("sale")
    redis_away()
    page = client.get(PAGE)
    assert page.status_code == 503 and page["Retry-After"]
    assert "please load it again" in text_of(page)
    assert page["Cache-Control"] == "no-store"
    assert "data-posted" not in page.content.decode()
    posted_wrongly = client.post(PAGE, {"token": "a.b.c"})
    assert posted_wrongly.status_code == 503
    assert "data-posted" in posted_wrongly.content.decode(), "no reload of the form"


def test_a_refused_user_learns_the_margin(open_campaign: CampaignMaker, client: Client) -> None:
    open_campaign("sale", stock=1)
    posted(client, CLAIM, user="ann")
    shown = text_of(posted(client, CLAIM))
    assert re.search(
        r"The last coupon went at \d\d:\d\d:\d\d\.\d{3}; you were answered at "
        r"\d\d:\d\d:\d\d\.\d{3}: \d+\.\d\d s later\.",
        shown,
    )


def test_visitors_of_two_seconds_share_a_page_but_no_user_shares_theirs(
    open_campaign: CampaignMaker, client: Client
) -> None:
    open_campaign("sale")
    first = client.get(PAGE)
    posted(client, CLAIM)
    assert client.get(PAGE).content == first.content
    assert client.get(PAGE, headers={"accept-language": "ko"}).content != first.content
    assert posted(client, PAGE).content != posted(client, PAGE, user="bob").content


@pytest.mark.parametrize("slug", ["nothing", "Not-A-Slug", "x" * 300, "%00", "..%2f"])
def test_an_unknown_event_is_a_page_with_404(db: None, client: Client, slug: str) -> None:
    page = client.get(f"/events/{slug}")
    assert page.status_code == 404
    assert "<script>" not in page.content.decode()


def test_the_page_runs_no_code_but_its_own_and_stands_in_no_frame(
    open_campaign: CampaignMaker, client: Client, settings: Any
) -> None:
    settings.PAGES_API_URL = "https://api.shop.example"
    open_campaign("sale", name='<script>alert("x")</script>')
    page = client.get(PAGE)
    policy = page["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src 'self';" in policy
    assert "connect-src 'self' https://api.shop.example;" in policy
    assert "frame-ancestors 'none'" in policy and page["X-Frame-Options"] == "DENY"
    body = page.content.decode()
    assert "<script>" not in body and "style=" not in body and " on" + "click=" not in body
    assert "&lt;script&gt;" in body


@pytest.mark.parametrize(
    ("path", "accepted", "language"),
    [
        (PAGE, "ko-KR,ko;q=0.9", "ko"),
        (PAGE, "en-GB", "en"),
        (f"{PAGE}?lang=en", "ko", "en"),
        (f"{PAGE}?lang=ko", "en", "ko"),
        (f"{PAGE}?lang=xx", "ko", "ko"),
    ],
)
def test_the_page_speaks_the_visitors_language(
    open_campaign: CampaignMaker, client: Client, path: str, accepted: str, language: str
) -> None:
    open_campaign("sale", discount="amount", discount_value=5000)
    page = client.get(path, headers={"accept-language": accepted})
    assert page["Content-Language"] == language and "Accept-Language" in page["Vary"]
    assert f'<html lang="{language}">' in page.content.decode()
    assert ("5,000원 할인" if language == "ko" else "5,000 KRW off") in text_of(page)


def test_the_answers_address_leads_back_to_the_page(client: Client, db: None) -> None:
    answer = client.get(CLAIM)
    assert (answer.status_code, answer["Location"]) == (303, PAGE)


def test_the_buttons_script_may_be_loaded_by_any_site(client: Client) -> None:
    script = client.get("/coupon-button.js")
    assert script["Access-Control-Allow-Origin"] == "*"
    assert script["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert b"customElements.define" in script.content
    again = client.get("/coupon-button.js", headers={"if-none-match": script["ETag"]})
    assert again.status_code == 304 and not again.content


def test_the_list_shows_what_opens_next(open_campaign: CampaignMaker, client: Client) -> None:
    now = timezone.now()
    open_campaign("later", name="Later", opens_at=now + timedelta(hours=2),
                  closes_at=now + timedelta(hours=3))  # fmt: skip
    open_campaign("sooner", name="Sooner", opens_at=now + timedelta(hours=1),
                  closes_at=now + timedelta(hours=3))  # fmt: skip
    open_campaign("sale", name="Now")
    open_campaign("secret", name="Secret", opens_at=now + timedelta(hours=1),
                  closes_at=now + timedelta(hours=3), is_listed=False)  # fmt: skip
    page = client.get("/events")
    assert page.status_code == 200 and page["Cache-Control"] == "public, max-age=2"
    assert re.findall(r'href="/events/(\w+)"', page.content.decode()) == ["sooner", "later", "sale"]
    assert client.get("/events?cursor=made-up").status_code == 200
    assert client.get("/events/secret").status_code == 200, "its address works"


def test_before_it_is_announced_an_event_has_no_page(
    open_campaign: CampaignMaker, client: Client
) -> None:
    now = timezone.now()
    open_campaign("sale", announced_at=now + timedelta(hours=1), opens_at=now + timedelta(hours=2),
                  closes_at=now + timedelta(hours=3))  # fmt: skip
    assert client.get(PAGE).status_code == 404
    assert posted(client, PAGE).status_code == 404
    assert posted(client, CLAIM).status_code == 404
    assert "sale" not in re.findall(r'href="/events/(\w+)"', client.get("/events").content.decode())


def test_refused_hand_overs_write_one_line_a_second(
    open_campaign: CampaignMaker,
    client: Client,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert hand_over.LOG_EVERY_S == 1
    monkeypatch.setattr(hand_over, "LOG_EVERY_S", 600)  # a busy machine takes seconds for them
    settings.SHOP_LOGIN_URL = "https://shop.example/login"
    open_campaign("sale")
    for _ in range(20):
        client.post(PAGE, {"token": "x"}, headers={"origin": "https://evil.example"})
    lines = [record for record in caplog.records if "hand-over" in record.message]
    assert len(lines) == 1
