"""A changed stock is confirmed by one sentence, wherever it was changed or undone."""

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from coupons.models import Campaign, Undoable
from tests.admin.test_form import CampaignMaker, Page, form_fields


def messages_of(client: Client, url: str, typed: dict[str, str], language: str = "en") -> list[str]:
    """Of the page behind the button."""
    answer = client.post(url, typed, follow=True, headers={"Accept-Language": language})
    assert answer.status_code == 200
    return [str(message) for message in get_messages(answer.wsgi_request)] or [
        str(message) for message in answer.context["messages"]
    ]


@pytest.mark.parametrize(("language", "raised", "undone"), [
    ("en", "The stock of sale: 1,000 → 1,200.", "The stock of sale: 1,200 → 1,000."),
    ("ko", "sale 캠페인의 수량: 1,000 → 1,200.", "sale 캠페인의 수량: 1,200 → 1,000."),
])  # fmt: skip
@pytest.mark.parametrize("where", ["form", "live page"])
def test_form_live_page_and_undo_have_one_sentence(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker,
    where: str, language: str, raised: str, undone: str,
) -> None:  # fmt: skip
    open_campaign("sale", stock=1000)
    url, typed = campaign_url("sale", "live_stock"), {"stock": "1200"}
    if where == "form":
        url = campaign_url("sale")
        typed = form_fields(operator_client, url) | typed
    assert messages_of(operator_client, url, typed, language) == [raised]
    url = campaign_url("sale", "undo", str(Undoable.objects.get().pk))
    assert messages_of(operator_client, url, {}, language) == [undone]


def test_a_window_that_was_moved_as_well_is_confirmed_too(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale", stock=10)
    url = campaign_url("sale")
    typed = form_fields(operator_client, url) | {
        "stock": "20", "closes_at": "2099-12-01T12:00", "confirmed": "window_moved",
    }  # fmt: skip
    stock, everything = messages_of(operator_client, url, typed)
    assert stock == "The stock of sale: 10 → 20."
    assert "was changed successfully" in everything


def test_an_interrupted_change_that_is_done_again_says_the_stock(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale", stock=10)
    url = campaign_url("sale", "live_stock")
    assert messages_of(operator_client, url, {"stock": "10"}) == ["The stock of sale is 10 now."]
    assert Campaign.objects.get().stock == 10
