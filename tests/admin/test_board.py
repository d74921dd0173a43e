"""The board of an opening as its page: for those who may see it, with a reason to override it."""

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
def soon(draft: Draft) -> Campaign:
    """A draft that would open in half a minute; a worker is there to store."""
    store().mark_canary()
    store().mark_sweep()
    opens = timezone.now() + timedelta(seconds=30)
    return draft("sale", opens_at=opens, closes_at=opens + timedelta(hours=1))


@pytest.fixture
def held(operator: Client, soon: Campaign, page: Page, settings: Any) -> None:
    """Admissions would wait for replicas that are not there."""
    operator.post(page("sale", "do", "schedule"))
    settings.REDIS_WAIT_REPLICAS = 2
    guard.guard_openings()


def text(answer: Any) -> str:
    body: str = answer.content.decode()
    return body


def test_the_campaign_s_page_leads_to_its_board(
    operator: Client, soon: Campaign, page: Page
) -> None:
    assert page("sale", "readiness") in text(operator.get(page("sale")))
    shown = text(operator.get(page("sale", "readiness")))
    assert "It is a draft." in shown
    assert (
        "<form" not in shown.split('id="content-main"')[1].split("</section>")[1].split("footer")[0]
    )


def test_every_line_has_a_name_for_people(soon: Campaign) -> None:
    assert {line.name for line in board.readiness_board("sale").lines} <= LABELS.keys()


def test_scheduling_something_red_warns_at_once(
    operator: Client, soon: Campaign, page: Page, settings: Any
) -> None:
    settings.REDIS_WAIT_REPLICAS = 2
    shown = text(operator.post(page("sale", "do", "schedule"), follow=True))
    assert "sale is scheduled now." in shown
    assert "It is not ready yet (replicas) and would be held back" in shown
    board_page = page("sale", "readiness")
    assert f'would be held back: see <a href="{board_page}">its readiness board</a>.' in shown


def test_scheduling_something_ready_warns_of_nothing(
    operator: Client, soon: Campaign, page: Page
) -> None:
    shown = text(operator.post(page("sale", "do", "schedule"), follow=True))
    assert "would be held back" not in shown


@pytest.fixture
def silent_servers(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[list[socket.socket]]:
    """A broker and the site's own address, which take a connection and never answer."""
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
    operator: Client, soon: Campaign, page: Page, silent_servers: list[socket.socket]
) -> None:
    """Broker and certificate are asked by the board's own page, where somebody waits for them."""
    for verb, state in (
        ("schedule", "scheduled"), ("pause", "paused"), ("resume", "scheduled"), ("open", "open"),
    ):  # fmt: skip
        operator.post(page("sale", "do", verb), follow=True)
        assert Campaign.objects.get().state == state
    assert [was_called(server) for server in silent_servers] == [False, False]
    shown = text(operator.get(page("sale", "readiness")))
    assert [was_called(server) for server in silent_servers] == [True, True]
    assert "The broker does not answer" in shown
    assert "It could not be read" in shown


def test_12_15_the_list_s_actions_wait_for_none_either(
    operator: Client, soon: Campaign, draft: Draft, silent_servers: list[socket.socket]
) -> None:
    draft("other", opens_at=soon.opens_at, closes_at=soon.closes_at)
    chosen = list(Campaign.objects.values_list("pk", flat=True))
    operator.post(
        "/admin/coupons/campaign/",
        {"action": "schedule", "_selected_action": chosen, "index": "0"},
        follow=True,
    )
    assert set(Campaign.objects.values_list("state", flat=True)) == {"scheduled"}
    assert [was_called(server) for server in silent_servers] == [False, False]


def test_what_is_held_back_is_said_on_both_pages_and_not_simply_resumed(
    operator: Client, held: None, page: Page
) -> None:
    shown = operator.get(page("sale"))
    assert "This opening is held back" in text(shown)
    assert "held back: red: replicas" in text(shown)  # its history
    assert [verb.name for verb in shown.context["verbs"]] == ["close"]
    operator.post(page("sale", "do", "resume"))
    assert Campaign.objects.get().state == Campaign.State.PAUSED
    assert "This opening is held back." in text(operator.get(page("sale", "readiness")))


def test_an_override_needs_a_reason_and_keeps_it(operator: Client, held: None, page: Page) -> None:
    without = operator.post(page("sale", "override"), {"reason": "  "}, follow=True)
    assert "Give a reason" in text(without)
    assert Campaign.objects.get().state == Campaign.State.PAUSED
    given = operator.post(
        page("sale", "override"), {"reason": "<b>short</b> on purpose"}, follow=True
    )
    assert Campaign.objects.get().state == Campaign.State.SCHEDULED
    assert "mina lets it open whatever is red: &lt;b&gt;short&lt;/b&gt; on purpose" in text(given)


def test_the_board_as_json(operator: Client, held: None, page: Page) -> None:
    said = operator.get(page("sale", "readiness_json")).json()
    assert (said["light"], said["held"]) == ("red", "red: replicas")


def test_onlookers_look_and_strangers_do_not(onlooker: Client, held: None, page: Page) -> None:
    shown = onlooker.get(page("sale", "readiness"))
    assert shown.status_code == 200
    assert 'name="reason"' not in text(shown)
    assert onlooker.post(page("sale", "override"), {"reason": "x"}).status_code == 403
    for below in ("readiness", "readiness_json"):
        assert Client().get(page("sale", below)).status_code == 302
    assert onlooker.get(page("sale", "override")).status_code == 302


def test_the_board_without_redis_is_red_and_still_a_page(
    operator: Client, soon: Campaign, page: Page, redis_away: Callable[[], None]
) -> None:
    operator.post(page("sale", "do", "schedule"))
    redis_away()
    shown = operator.get(page("sale", "readiness"))
    assert shown.status_code == 200
    assert "Redis does not answer" in text(shown)
