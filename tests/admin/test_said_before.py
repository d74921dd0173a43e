"""20.2: what can't be undone in the form of a public campaign is said before it is done: a lower
stock, another window. A higher stock is set at once, because it can be undone."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from coupons.admission import strategies
from coupons.campaigns import lifecycle
from coupons.claims.values import Claim
from coupons.models import Campaign, Undoable
from coupons.store import store
from tests.admin.test_form import CampaignMaker, Page, form_fields
from tests.admin.test_verbs import page_text

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sale(open_campaign: CampaignMaker) -> None:
    known = open_campaign("sale", stock=10)
    for user in ("ann", "bob"):
        strategies.admit(known, Claim(user))


def stocks() -> tuple[int, int]:
    return Campaign.objects.get().stock, store().campaigns.gate("sale").stock


Send = Callable[..., str]


@pytest.fixture(params=["change", "live_stock"])
def send(request: pytest.FixtureRequest, operator_client: Client, campaign_url: Page) -> Send:
    """Send the form of the campaign's page, or the one of the live page."""

    def send_form(**typed: str) -> str:
        shown: dict[str, str] = {"shown": str(Campaign.objects.get().stock)}
        if request.param == "change":
            shown = form_fields(operator_client, campaign_url("sale"))
        address = campaign_url("sale", request.param)
        return page_text(operator_client.post(address, shown | typed, follow=True))

    return send_form


@pytest.mark.usefixtures("sale")
def test_a_lower_stock_is_said_and_then_set(send: Send) -> None:
    asked = send(stock="5")
    assert "The stock becomes 5; it is 10 now." in asked
    assert "5 slots are removed." in asked
    assert "2 coupons are given, and stay valid." in asked
    assert stocks() == (10, 10)
    found = dict(re.findall(r'name="(confirmed|stock)"[^>]* value="(\w+)"', asked))
    assert (found["confirmed"], found["stock"]) == ("stock_lowered", "5")
    send(stock="5", confirmed="stock_lowered")
    assert stocks() == (5, 5)


@pytest.mark.usefixtures("sale")
def test_what_would_be_refused_is_refused_at_once(send: Send) -> None:
    assert "its stock can&#x27;t become 1" in send(stock="1")
    assert stocks() == (10, 10)


@pytest.mark.usefixtures("sale")
def test_a_higher_stock_is_set_at_once_and_can_be_undone(send: Send) -> None:
    send(stock="12")
    assert stocks() == (12, 12)
    assert Undoable.objects.filter(verb="stock").count() == 1


@pytest.mark.usefixtures("sale")
def test_another_window_and_a_lower_stock_are_asked_about_together(
    operator_client: Client, campaign_url: Page
) -> None:
    form = form_fields(operator_client, campaign_url("sale"))
    typed = form | {"stock": "5", "closes_at": "2020-01-01T12:00"}
    asked = page_text(operator_client.post(campaign_url("sale"), typed))
    before = Campaign.objects.get().closes_at
    assert "its opening" in asked or "clos" in asked
    typed["closes_at"] = "2099-12-01T12:00"
    asked = page_text(operator_client.post(campaign_url("sale"), typed))
    codes = re.findall(r'name="confirmed" value="(\w+)"', asked)
    assert codes == ["window_moved", "stock_lowered"]
    assert re.search(
        r"Closes 2\d{3}-\S+ \S+ \w+ → 2099-12-01 12:00:00 \w+ \(\d+ d \d+ h later\)", asked
    )
    assert "Opens 2" not in asked  # it stays
    said = typed | {"confirmed": codes}
    assert operator_client.post(campaign_url("sale"), said).status_code == 302
    assert Campaign.objects.get().closes_at > before
    assert stocks() == (5, 5)


def test_a_moved_opening_says_from_when_to_when_and_by_how_much(
    operator_client: Client, draft: Callable[..., Campaign], campaign_url: Page
) -> None:
    """In the zone of the page, by the clock of 24 hours."""
    opens = datetime(2099, 5, 1, 20, 16, tzinfo=timezone.get_current_timezone())
    draft("later", opens_at=opens, closes_at=opens + timedelta(hours=1))
    lifecycle.schedule_campaign("later", actor="mina")
    form = form_fields(operator_client, campaign_url("later"))
    typed = form | {"opens_at": "2099-05-01T20:04:30"}
    asked = page_text(operator_client.post(campaign_url("later"), typed))
    zone = f"{opens:%Z}"
    moved = f"2099-05-01 20:16:00 {zone} → 2099-05-01 20:04:30 {zone} (11 min 30 s earlier)"
    assert f"Opens {moved}." in asked
    assert "Closes 2" not in asked
