"""The page of the readiness board: who may see it, and its override, which needs a reason."""

import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.test import Client
from django.utils import timezone

from coupons.audit.labels import LABELS
from coupons.models import Campaign
from coupons.readiness import board, certificate, guard, workers
from coupons.store import store

Page = Callable[..., str]
Draft = Callable[..., Campaign]


@pytest.fixture
def campaign_opening_soon(draft: Draft) -> Campaign:
    """A draft that would open in half a minute; a healthy worker is recorded."""
    store().wakeups.mark_canary()
    store().wakeups.mark_sweep()
    opens = timezone.now() + timedelta(seconds=30)
    return draft("sale", opens_at=opens, closes_at=opens + timedelta(hours=1))


@pytest.fixture
def held_back_opening(
    operator_client: Client, campaign_opening_soon: Campaign, campaign_url: Page, settings: Any
) -> None:
    """The opening is held back: admissions would wait for replicas that do not exist."""
    operator_client.post(campaign_url("sale", "do", "schedule"))
    settings.REDIS_WAIT_REPLICAS = 2
    guard.guard_openings()


def page_text(answer: Any) -> str:
    body: str = answer.content.decode()
    return body


def test_the_campaign_s_page_leads_to_its_board(
    operator_client: Client, campaign_opening_soon: Campaign, campaign_url: Page
) -> None:
    assert campaign_url("sale", "readiness") in page_text(operator_client.get(campaign_url("sale")))
    shown = page_text(operator_client.get(campaign_url("sale", "readiness")))
    assert "It is a draft." in shown
    assert (
        "<form" not in shown.split('id="content-main"')[1].split("</section>")[1].split("footer")[0]
    )


def test_every_line_has_a_name_for_people(campaign_opening_soon: Campaign) -> None:
    assert {line.name for line in board.readiness_board("sale").lines} <= LABELS.keys()


def test_scheduling_something_red_warns_at_once(
    operator_client: Client, campaign_opening_soon: Campaign, campaign_url: Page, settings: Any
) -> None:
    settings.REDIS_WAIT_REPLICAS = 2
    shown = page_text(operator_client.post(campaign_url("sale", "do", "schedule"), follow=True))
    assert "sale is scheduled now." in shown
    assert "It is not ready yet (replicas) and would be held back" in shown
    board_page = campaign_url("sale", "readiness")
    assert f'would be held back: see <a href="{board_page}">its readiness board</a>.' in shown


def test_scheduling_something_ready_warns_of_nothing(
    operator_client: Client, campaign_opening_soon: Campaign, campaign_url: Page
) -> None:
    shown = page_text(operator_client.post(campaign_url("sale", "do", "schedule"), follow=True))
    assert "would be held back" not in shown


@pytest.fixture
def silent_servers(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[list[socket.socket]]:
    """A broker and the site's own address that accept connections and never answer."""
    broker, site = servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    for server in servers:
        server.setblocking(False)
    address = f"redis://127.0.0.1:{broker.getsockname()[1]}/0"
    monkeypatch.setattr(current_app.conf, "broker_write_url", address)
    settings.SITE_CERTIFICATE = f"https://127.0.0.1:{site.getsockname()[1]}"
    for asker in (workers, certificate):
        monkeypatch.setattr(asker, "PATIENCE_S", 0.2)
    yield servers
    for server in servers:
        server.close()


def was_called(server: socket.socket) -> bool:
    try:
        server.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def test_12_15_no_button_waits_for_servers_that_do_not_answer(
    operator_client: Client,
    campaign_opening_soon: Campaign,
    campaign_url: Page,
    silent_servers: list[socket.socket],
) -> None:
    """Only the board's own page asks broker and certificate: there an operator expects to wait."""
    for verb, state in (
        ("schedule", "scheduled"), ("pause", "paused"), ("resume", "scheduled"), ("open", "open"),
    ):  # fmt: skip
        operator_client.post(campaign_url("sale", "do", verb), {"reason": "load"}, follow=True)
        assert Campaign.objects.get().state == state
    assert [was_called(server) for server in silent_servers] == [False, False]
    shown = page_text(operator_client.get(campaign_url("sale", "readiness")))
    assert [was_called(server) for server in silent_servers] == [True, True]
    assert "The broker does not answer" in shown
    assert "It could not be read" in shown


def test_12_15_the_list_s_actions_wait_for_none_either(
    operator_client: Client,
    campaign_opening_soon: Campaign,
    draft: Draft,
    silent_servers: list[socket.socket],
) -> None:
    draft(
        "other", opens_at=campaign_opening_soon.opens_at, closes_at=campaign_opening_soon.closes_at
    )
    chosen = list(Campaign.objects.values_list("pk", flat=True))
    operator_client.post(
        "/admin/coupons/campaign/",
        {"action": "schedule", "_selected_action": chosen, "index": "0"},
        follow=True,
    )
    assert set(Campaign.objects.values_list("state", flat=True)) == {"scheduled"}
    assert [was_called(server) for server in silent_servers] == [False, False]


def test_a_held_back_opening_is_shown_on_both_pages_and_can_not_be_resumed(
    operator_client: Client, held_back_opening: None, campaign_url: Page
) -> None:
    shown = operator_client.get(campaign_url("sale"))
    assert "This opening is held back" in page_text(shown)
    assert "held back: red: replicas" in page_text(shown)  # its history
    assert [verb.name for verb in shown.context["verbs"]] == ["close"]
    operator_client.post(campaign_url("sale", "do", "resume"))
    assert Campaign.objects.get().state == Campaign.State.PAUSED
    assert "This opening is held back." in page_text(
        operator_client.get(campaign_url("sale", "readiness"))
    )


def pass_the_opening(settings: Any) -> None:
    """It is over, and what was red has been corrected."""
    Campaign.objects.update(opens_at=timezone.now() - timedelta(seconds=5))
    settings.REDIS_WAIT_REPLICAS = 0


def test_after_its_time_a_held_opening_says_who_may_open_it_and_what_is_red_now(
    operator_client: Client,
    read_only_client: Client,
    held_back_opening: None,
    campaign_url: Page,
    settings: Any,
) -> None:
    """To correct what was red opens nothing any more, and who may not override is told who may."""
    address = campaign_url("sale", "readiness")
    before = page_text(read_only_client.get(address))
    assert "Held back for: replicas (still not ready)." in before
    assert "Correct what is red, or let it be overridden" in before
    pass_the_opening(settings)
    approver, other = (
        page_text(client.get(address)) for client in (operator_client, read_only_client)
    )
    for shown in (approver, other):
        assert "It opens only by an override now" in shown
        assert "Held back for: replicas (no longer red)." in shown
        assert "Correcting what is red opens it no more." in shown
        assert "--override" not in shown
        assert "red: replicas" not in shown
    assert "You may override it, below." in approver
    assert 'ask an approver, somebody with the right "Can let an opening go on' in other
    assert "You may override" not in other
    assert "Red when it was held back: replicas." in page_text(
        read_only_client.get(campaign_url("sale"))
    )


def test_an_override_needs_a_reason_and_keeps_it(
    operator_client: Client, held_back_opening: None, campaign_url: Page
) -> None:
    without = operator_client.post(campaign_url("sale", "override"), {"reason": "  "}, follow=True)
    assert "Give a reason" in page_text(without)
    assert Campaign.objects.get().state == Campaign.State.PAUSED
    given = operator_client.post(
        campaign_url("sale", "override"), {"reason": "<b>short</b> on purpose"}, follow=True
    )
    assert Campaign.objects.get().state == Campaign.State.SCHEDULED
    assert "mina lets it open whatever is red: &lt;b&gt;short&lt;/b&gt; on purpose" in page_text(
        given
    )


def test_the_board_as_json(
    operator_client: Client, held_back_opening: None, campaign_url: Page
) -> None:
    document = operator_client.get(campaign_url("sale", "readiness_json")).json()
    assert (document["light"], document["held"]) == ("red", "red: replicas")


def test_the_board_folds_what_is_ready_and_counts_it(
    operator_client: Client, held_back_opening: None, campaign_url: Page
) -> None:
    shown = operator_client.get(campaign_url("sale", "readiness"))
    head, _, folded = page_text(shown).partition("<details")
    assert 'class="line-red"' in head
    assert 'class="line-green"' not in head
    assert 'class="line-green"' in folded
    ready = folded.count('class="line-green"')
    assert f"ready: {ready}" in folded.partition("</summary>")[0]
    reds = head.count('class="line-red"')
    assert f"not ready: {reds}" in head


def test_the_panel_asks_for_the_quick_checks_only(
    operator_client: Client,
    campaign_opening_soon: Campaign,
    campaign_url: Page,
    silent_servers: list[socket.socket],
    settings: Any,
) -> None:
    settings.REDIS_WAIT_REPLICAS = 2
    address = campaign_url("sale", "readiness_json")
    document = operator_client.get(address, {"quick": "yes"}).json()
    assert (document["light"], document["word"]) == ("red", "not ready")
    assert document["red_labels"] == [LABELS["replicas"]]
    assert [was_called(server) for server in silent_servers] == [False, False]
    operator_client.get(address)
    assert [was_called(server) for server in silent_servers] == [True, True]


def test_read_only_operators_see_the_board_and_others_do_not(
    read_only_client: Client, held_back_opening: None, campaign_url: Page
) -> None:
    shown = read_only_client.get(campaign_url("sale", "readiness"))
    assert shown.status_code == 200
    assert 'name="reason"' not in page_text(shown)
    assert (
        read_only_client.post(campaign_url("sale", "override"), {"reason": "x"}).status_code == 403
    )
    for below in ("readiness", "readiness_json"):
        assert Client().get(campaign_url("sale", below)).status_code == 302
    assert read_only_client.get(campaign_url("sale", "override")).status_code == 302


def test_the_board_without_redis_is_red_and_still_a_page(
    operator_client: Client,
    campaign_opening_soon: Campaign,
    campaign_url: Page,
    redis_away: Callable[[], None],
) -> None:
    operator_client.post(campaign_url("sale", "do", "schedule"))
    redis_away()
    shown = operator_client.get(campaign_url("sale", "readiness"))
    assert shown.status_code == 200
    assert "Redis does not answer" in page_text(shown)
