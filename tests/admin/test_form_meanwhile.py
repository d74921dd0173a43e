"""A form that is saved after another operator changed or deleted the campaign."""

from collections.abc import Callable

import pytest
from django.test import Client

from coupons.campaigns import lifecycle
from coupons.errors import IllegalTransition
from coupons.models import Campaign
from tests.admin.test_form import CampaignMaker, Page, form_errors, form_fields


def test_an_untouched_stock_does_not_take_back_what_another_operator_set(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale", stock=10)
    typed = form_fields(operator_client, campaign_url("sale")) | {"closes_at": "2099-12-01T12:00"}
    lifecycle.change_stock("sale", stock=50, actor="Theo")
    assert operator_client.post(campaign_url("sale"), typed).status_code == 302
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
