"""The form of a campaign that is public: its stock and its window may change, nothing else."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from coupons.admission import strategies
from coupons.audit import labels
from coupons.campaigns import lifecycle
from coupons.claims.timestamps import short_text
from coupons.claims.values import Claim
from coupons.models import Campaign, CampaignEvent, Slot
from coupons.store import store
from coupons.store.campaigns import CampaignCalls
from tests.admin.test_form import CampaignMaker, Page, form_errors, form_fields


def test_once_scheduled_only_stock_and_window_can_be_typed(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale")
    form = operator_client.get(campaign_url("sale")).context["adminform"].form
    assert set(form.fields) == {"stock", "opens_at", "closes_at"}


def test_a_closed_campaign_can_only_be_read(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale")
    lifecycle.close_campaign("sale", actor="Mina")
    answer = operator_client.get(campaign_url("sale"))
    assert not answer.context["adminform"].form.fields
    assert 'name="_save"' not in answer.content.decode()


def test_more_stock_reaches_redis_and_the_history(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale", stock=10)
    operator_client.post(
        campaign_url("sale"), form_fields(operator_client, campaign_url("sale")) | {"stock": "25"}
    )
    assert store().campaigns.gate("sale").stock == 25
    last = CampaignEvent.objects.first()
    assert last is not None
    assert (last.actor, last.kind, last.data) == ("mina", "stock_set", {"stock": 25, "was": 10})


def test_it_refuses_a_stock_below_what_was_admitted_and_changes_nothing(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    sale = open_campaign("sale", stock=10)
    for number in range(5):
        strategies.admit(sale, Claim(f"user-{number}"))
    typed = form_fields(operator_client, campaign_url("sale")) | {"stock": "4"}
    answer = operator_client.post(campaign_url("sale"), typed)
    assert "sale has admitted 5 claims already: its stock can't become 4." in form_errors(answer)
    assert 'value="4"' in answer.content.decode()  # what was typed is still there
    assert (store().campaigns.gate("sale").stock, Campaign.objects.get().stock) == (10, 10)
    assert Slot.objects.count() == 10


def test_it_refuses_both_when_the_window_can_be_moved_but_the_stock_cannot(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    sale = open_campaign("sale", stock=10)
    strategies.admit(sale, Claim("ann"))
    strategies.admit(sale, Claim("bob"))
    closes_at = Campaign.objects.get().closes_at
    typed = form_fields(operator_client, campaign_url("sale")) | {
        "stock": "1",
        "closes_at": "2099-12-01T12:00",
    }
    assert "its stock can't become 1" in form_errors(
        operator_client.post(campaign_url("sale"), typed)
    )
    assert Campaign.objects.get().closes_at == closes_at
    assert store().campaigns.gate("sale").stock == 10


def test_stock_and_window_can_change_together(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale", stock=10)
    closes_at = Campaign.objects.get().closes_at
    typed = form_fields(operator_client, campaign_url("sale")) | {
        "stock": "20",
        "closes_at": "2099-12-01T12:00:00.5",
        "confirmed": "window_moved",
    }
    assert operator_client.post(campaign_url("sale"), typed).status_code == 302
    gate = store().campaigns.gate("sale")
    assert (gate.stock, gate.closes_ms % 1000) == (20, 500)
    stock_set, moved = map(labels.event_text, CampaignEvent.objects.order_by("-pk")[:2])
    assert stock_set == "stock 10 → 20"
    was = short_text(closes_at)
    assert moved == f"rescheduled: closes at {was} → 2099-12-01 12:00:00.500 KST"


def test_it_refuses_to_move_an_opening_that_has_been(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale")
    typed = form_fields(operator_client, campaign_url("sale")) | {
        "opens_at": "2098-12-01T12:00",
        "closes_at": "2099-12-01T12:00",
    }
    assert "has opened already" in form_errors(operator_client.post(campaign_url("sale"), typed))


def test_it_refuses_without_redis_and_changes_nothing(
    operator_client: Client,
    campaign_url: Page,
    open_campaign: CampaignMaker,
    redis_away: Callable[[], None],
) -> None:
    open_campaign("sale", stock=10)
    typed = form_fields(operator_client, campaign_url("sale")) | {"stock": "25"}
    redis_away()
    assert "Redis did not answer" in form_errors(operator_client.post(campaign_url("sale"), typed))
    assert Campaign.objects.get().stock == 10


@pytest.mark.django_db(transaction=True)
def test_more_slots_are_committed_before_redis_gives_them_away(
    operator_client: Client,
    campaign_url: Page,
    open_campaign: CampaignMaker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another connection sees the slots before Redis has the new stock: the form opens no
    transaction."""
    open_campaign("sale", stock=10)
    seen: list[int] = []

    def count_slots() -> None:
        seen.append(Slot.objects.count())
        connection.close()

    install = CampaignCalls.install_gate

    def looked_at(self: CampaignCalls, *arguments: Any, **options: Any) -> tuple[str, int]:
        elsewhere = threading.Thread(target=count_slots)
        elsewhere.start()
        elsewhere.join()
        return install(self, *arguments, **options)

    typed = form_fields(operator_client, campaign_url("sale")) | {"stock": "25"}
    monkeypatch.setattr(CampaignCalls, "install_gate", looked_at)
    operator_client.post(campaign_url("sale"), typed)
    assert seen == [25]
