"""A large stock in the admin: one request creates slots for a bounded time, reports how many, and
the next request continues (issue 12, 7); no button waits for a distant server (issue 12, 15)."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery import current_app
from django.test import Client

from coupons.admin.campaigns import slot_progress
from coupons.campaigns import lifecycle, slots
from coupons.campaigns.slots import BATCH
from coupons.models import Campaign, Slot
from coupons.readiness import board
from coupons.readiness.result import Light
from coupons.store import store
from tests.conftest import CampaignMaker

pytestmark = pytest.mark.django_db(transaction=True)

Page = Callable[..., str]
Draft = Callable[..., Campaign]
LARGE = 3 * BATCH
LOWERED = "stock_lowered"


@pytest.fixture
def one_batch_per_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request creates one batch of slots."""
    monkeypatch.setattr(slot_progress, "REQUEST_S", 0)


def filled_form(client: Client, address: str, **typed: object) -> dict[str, Any]:
    """The fields that a browser would send of the form, with these values typed in."""
    bound = client.get(address).context["adminform"].form
    sent = {}
    for name in bound.fields:
        value = bound[name].value()
        shown = bound.fields[name].prepare_value(value)
        sent[name] = sent[f"initial-{name}"] = "" if shown is None else str(shown)
    return sent | {name: str(value) for name, value in typed.items()}


def page_text(answer: Any) -> str:
    body: str = answer.content.decode()
    return body


def stock_is(stock: int) -> bool:
    campaign = Campaign.objects.get()
    return (campaign.stock, campaign.slots_to_keep, Slot.objects.count()) == (stock, None, stock)


def test_a_large_stock_is_raised_and_lowered_in_one_request_where_there_is_time(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale", stock=10)
    for stock in (LARGE, 10):
        typed = filled_form(operator_client, campaign_url("sale"), stock=stock, confirmed=LOWERED)
        assert operator_client.post(campaign_url("sale"), typed).status_code == 302
        assert stock_is(stock)


@pytest.mark.parametrize(("before", "after"), [(10, LARGE), (LARGE, 10)])
def test_saving_goes_on_where_the_request_before_it_stopped(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker,
    one_batch_per_request: None, before: int, after: int,
) -> None:  # fmt: skip
    open_campaign("sale", stock=before)
    typed = filled_form(operator_client, campaign_url("sale"), stock=after, confirmed=LOWERED)
    answers = [operator_client.post(campaign_url("sale"), typed) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 302]
    now = f"{10 + BATCH:,}" if after > before else f"{LARGE - BATCH:,}"
    message = f"sale has {now} slots by now and is to have {after:,}. Do it again to go on."
    assert message in page_text(answers[0])
    assert f'value="{after}"' in page_text(answers[0])  # what was typed is still there
    assert stock_is(after)


def test_scheduling_goes_on_where_the_request_before_it_stopped(
    operator_client: Client, campaign_url: Page, draft: Draft, one_batch_per_request: None
) -> None:
    draft("sale", stock=LARGE)
    shown = page_text(operator_client.post(campaign_url("sale", "do", "schedule"), follow=True))
    assert f"sale has {BATCH:,} slots by now and is to have {LARGE:,}." in shown
    assert f"{BATCH:,} of {LARGE:,} slots: it is being scheduled, or that was interrupted" in shown
    for _ in range(2):
        operator_client.post(campaign_url("sale", "do", "schedule"))
    assert Campaign.objects.get().state == Campaign.State.SCHEDULED
    assert stock_is(LARGE)


def test_a_draft_with_many_slots_is_deleted_in_batches(
    operator_client: Client, campaign_url: Page, draft: Draft, one_batch_per_request: None
) -> None:
    draft("sale", stock=LARGE)
    for _ in range(2):
        operator_client.post(campaign_url("sale", "do", "schedule"))
    address = campaign_url("sale", "delete")
    shown = operator_client.post(address, {"post": "yes"}, follow=True)
    assert f"sale has {BATCH:,} slots by now and is to have 0." in page_text(shown)
    operator_client.post(address, {"post": "yes"})
    assert (Campaign.objects.count(), Slot.objects.count()) == (0, 0)


class Gone(BaseException):
    """Raised in place of a kill of the process."""


def die_at_the_end(now: int, wanted: int) -> None:
    if now != wanted:
        raise Gone


@pytest.mark.parametrize(("before", "after", "then"), [(LARGE, 10, 10), (10, LARGE, 10)])
def test_saving_what_stands_there_finishes_a_change_whose_process_is_gone(
    operator_client: Client,
    campaign_url: Page,
    open_campaign: CampaignMaker,
    before: int,
    after: int,
    then: int,
) -> None:
    """The campaign's page and the board say so, and saving the unchanged form is enough."""
    store().wakeups.mark_canary()
    store().wakeups.mark_sweep()
    open_campaign("sale", stock=before)
    with pytest.raises(Gone):
        lifecycle.change_stock("sale", stock=after, actor="Jun", tell=die_at_the_end)
    assert "slots for a stock of 10: the stock is being changed, or" in page_text(
        operator_client.get(campaign_url("sale"))
    )
    note = operator_client.get(campaign_url("sale", "live_counts")).json()["note"]
    assert note.startswith(
        f"{slots.highest_slot(Campaign.objects.get()):,} slots for a stock of 10"
    )
    line = next(line for line in board.readiness_board("sale").lines if line.name == "slots")
    assert line.light is Light.AMBER
    assert "save the stock again" in line.do
    assert (
        operator_client.post(
            campaign_url("sale"), filled_form(operator_client, campaign_url("sale"))
        ).status_code
        == 302
    )
    assert stock_is(then)
    assert operator_client.get(campaign_url("sale", "live_counts")).json()["note"] == ""


def test_a_slot_that_somebody_removed_comes_back_by_saving_the_stock_again(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    """As its board says."""
    sale = open_campaign("sale", stock=10)
    slots.slots_of(Campaign.objects.get()).order_by("id")[2].delete()
    assert "Save the stock again" in page_text(
        operator_client.get(campaign_url("sale", "readiness"))
    )
    operator_client.post(campaign_url("sale"), filled_form(operator_client, campaign_url("sale")))
    assert stock_is(sale.stock)


@pytest.fixture
def silent_server(settings: Any) -> Iterator[socket.socket]:
    """A server that accepts connections and never answers, in place of the broker and the site."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        settings.SITE_CERTIFICATE = f"https://127.0.0.1:{port}"
        before = current_app.conf.broker_write_url
        current_app.conf.broker_write_url = f"redis://127.0.0.1:{port}/0"
        listener.setblocking(False)
        yield listener
        current_app.conf.broker_write_url = before


def accepted_connections(listener: socket.socket) -> int:
    count = 0
    try:
        while True:
            listener.accept()[0].close()
            count += 1
    except BlockingIOError:
        return count


def test_scheduling_waits_for_no_broker_and_no_certificate(
    operator_client: Client,
    campaign_url: Page,
    draft: Draft,
    silent_server: socket.socket,
    settings: Any,
) -> None:
    draft("sale", opens_at="2098-12-01T12:00Z", closes_at="2099-12-01T12:00Z")
    settings.REDIS_WAIT_REPLICAS = 2  # checks of near servers still warn
    shown = page_text(operator_client.post(campaign_url("sale", "do", "schedule"), follow=True))
    assert "It is not ready yet (" in shown
    assert accepted_connections(silent_server) == 0
    operator_client.get(campaign_url("sale", "readiness"))
    assert accepted_connections(silent_server) >= 1  # the board itself asks them
