"""A form that is saved after another operator changed or deleted the campaign."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from django.test import Client

from coupons.campaigns import lifecycle
from coupons.errors import IllegalTransition
from coupons.models import Campaign
from tests.admin.test_form import CampaignMaker, Page, form_errors, form_fields

SAID: dict[str, Any] = {"confirmed": ["window_moved", "stock_lowered"]}


def test_an_untouched_stock_does_not_take_back_what_another_operator_set(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale", stock=10)
    typed = form_fields(operator_client, campaign_url("sale")) | SAID
    typed |= {"closes_at": "2099-12-01T12:00"}
    lifecycle.change_stock("sale", stock=50, actor="Theo")
    assert operator_client.post(campaign_url("sale"), typed).status_code == 302
    assert Campaign.objects.get().stock == 50


@pytest.mark.parametrize(
    ("name", "typed", "shown"),
    [("stock", "45", "50"), ("opens_at", "2099-06-01T12:00", "2099-07-01"),
     ("closes_at", "2099-12-01T12:00", "2099-11-01")],
)  # fmt: skip
def test_what_another_tab_saved_is_not_overwritten_unseen(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker,
    name: str, typed: str, shown: str,
) -> None:  # fmt: skip
    """Nothing is saved, and the field says what was set meanwhile; then it may be overwritten."""
    opens, closes = (datetime(2099, month, 1, tzinfo=UTC) for month in (5, 12))
    open_campaign("sale", stock=43, opens_at=opens, closes_at=closes)
    second = form_fields(operator_client, campaign_url("sale")) | SAID | {name: typed}
    lifecycle.revise_campaign(
        "sale", stock=50, opens_at=datetime(2099, 7, 1, tzinfo=UTC),
        closes_at=datetime(2099, 11, 1, tzinfo=UTC), actor="Theo",
    )  # fmt: skip
    first = Campaign.objects.get()
    answer = operator_client.post(campaign_url("sale"), second)
    assert f"It was set to {shown}" in form_errors(answer)
    stored = Campaign.objects.get()
    assert getattr(stored, name) == getattr(first, name)
    again = hidden_again(answer, second)
    assert operator_client.post(campaign_url("sale"), again).status_code == 302
    assert getattr(Campaign.objects.get(), name) != getattr(first, name)


def hidden_again(answer: Any, typed: dict[str, str]) -> dict[str, str]:
    """The same form sent again, with the hidden fields of the refusal's page."""
    form = answer.context["adminform"].form
    html = unescape("".join(f"{bound}{bound.as_hidden(only_initial=True)}" for bound in form))
    found = {}
    for tag in re.findall(r"<input[^>]*>", html):
        attributes = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        named = re.search(r'name="([^"]*)"', tag)
        if named and (named[1].startswith("initial-") or named[1].endswith("_shown")):
            found[named[1]] = attributes.get("value", "")
    return typed | found


def test_a_change_between_the_comparison_and_the_lock_is_refused(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    open_campaign("sale", stock=10)
    typed = form_fields(operator_client, campaign_url("sale")) | {"stock": "45"}
    change = lifecycle.change_stock

    def late(slug: str, **options: Any) -> Campaign:
        change(slug, stock=50, actor="Theo")
        return change(slug, **options)

    monkeypatch.setattr(lifecycle, "change_stock", late)
    assert "changed since you read it" in form_errors(
        operator_client.post(campaign_url("sale"), typed)
    )
    assert Campaign.objects.get().stock == 50


def test_a_draft_that_was_scheduled_meanwhile_is_not_saved(
    operator_client: Client, campaign_url: Page, draft: Callable[..., Campaign]
) -> None:
    draft("sale")
    typed = form_fields(operator_client, campaign_url("sale")) | {"name": "Too late"}
    lifecycle.schedule_campaign("sale", actor="Theo")
    assert "The campaign is scheduled meanwhile" in form_errors(
        operator_client.post(campaign_url("sale"), typed)
    )
    assert Campaign.objects.get().name == "The sale"


def test_an_older_copy_of_a_draft_never_takes_its_scheduling_back(
    draft: Callable[..., Campaign],
) -> None:
    older = draft("sale")
    lifecycle.schedule_campaign("sale", actor="Theo")
    with pytest.raises(IllegalTransition, match="no draft any more"):
        lifecycle.save_draft(older, actor="Mina")
    assert Campaign.objects.get().state == "scheduled"


def test_a_draft_can_be_deleted(
    operator_client: Client, campaign_url: Page, draft: Callable[..., Campaign]
) -> None:
    draft("sale")
    assert operator_client.post(campaign_url("sale", "delete"), {"post": "yes"}).status_code == 302
    assert not Campaign.objects.exists()


def test_what_was_public_cannot_be_deleted(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    """And the page says why, for each way that leads there; it spoke of a missing permission."""
    open_campaign("sale")
    for answer in (
        operator_client.get(campaign_url("sale", "delete"), follow=True),
        operator_client.post(campaign_url("sale", "delete"), {"post": "yes"}, follow=True),
    ):
        assert "sale can&#x27;t be deleted: it was public" in answer.content.decode()
    assert Campaign.objects.count() == 1


def test_a_draft_scheduled_while_it_is_being_deleted_stays(
    operator_client: Client,
    campaign_url: Page,
    draft: Callable[..., Campaign],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draft("sale")
    discard = lifecycle.delete_draft

    def too_late(campaign: Campaign) -> None:
        lifecycle.schedule_campaign("sale", actor="Theo")
        discard(campaign)

    monkeypatch.setattr(lifecycle, "delete_draft", too_late)
    answer = operator_client.post(campaign_url("sale", "delete"), {"post": "yes"}, follow=True)
    assert "no draft any more" in answer.content.decode()
    assert Campaign.objects.get().slug == "sale"
