"""Operators are told once of each event, by real mail and HTTP servers."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from config.celery import app
from config.worker.watchdog import Watchdog
from coupons.admission import strategies
from coupons.audit import log
from coupons.broker import wakeups
from coupons.campaigns import lifecycle, opening_hold, sold_out
from coupons.claims.values import Claim
from coupons.database import clock
from coupons.models import Campaign, EventKind, Notification, NotificationState, Rehearsal
from coupons.notifications import beat_watch, noticing, sending, texts
from coupons.operations import approvals
from coupons.store import keys, store
from tests.conftest import CampaignMaker, Settings
from tests.harness.mail_server import MailServer, mail_server
from tests.harness.webhook_receiver import Receiver, answer_status, webhook_receiver

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def chat(settings: Settings) -> Iterator[Receiver]:
    """A chat's incoming webhook, which is named in the settings."""
    settings.WEBHOOKS_PLAIN_HTTP = settings.WEBHOOKS_LOOPBACK = True
    with webhook_receiver() as receiver:
        settings.NOTIFY_WEBHOOK_URL = receiver.url
        yield receiver


@pytest.fixture
def mail(settings: Settings) -> Iterator[MailServer]:
    with mail_server() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.NOTIFY_EMAILS = ["ann@shop.example", "bob@shop.example"]
        settings.NOTIFY_FROM = "coupons@shop.example"
        yield server


def one_round() -> int:
    """What the task does. Returns how many were sent."""
    noticing.notice_events()
    return sending.send_due(until=lambda: False)


def texts_of(chat: Receiver) -> list[str]:
    return [json.loads(request.body)["text"] for request in chat.received]


def sell_out(open_campaign: CampaignMaker) -> None:
    strategies.admit(open_campaign(stock=1, name="Autumn <sale> & more"), Claim("ann"))
    sold_out.record_sold_out()


def test_nobody_is_named_so_nobody_is_told(open_campaign: CampaignMaker) -> None:
    sell_out(open_campaign)
    assert one_round() == 0
    assert not Notification.objects.exists()


def test_a_sell_out_is_told_once_on_each_channel_in_both_languages(
    open_campaign: CampaignMaker, chat: Receiver, mail: MailServer
) -> None:
    sell_out(open_campaign)
    assert (one_round(), one_round()) == (2, 0)
    [text], [message] = texts_of(chat), mail.mails
    assert text.startswith("[coupons] sale: 선착순 마감 / sold out\n")
    assert "Autumn &lt;sale&gt; &amp; more (sale): sold out " in text and "stock 1." in text
    assert mail.recipients == ["ann@shop.example", "bob@shop.example"]
    assert message["Subject"].strip() == "[coupons] sale: 선착순 마감 / sold out"
    assert "오픈" in message.get_content() and message["From"] == "coupons@shop.example"
    assert {row.state for row in Notification.objects.all()} == {NotificationState.SENT}


@pytest.mark.parametrize("origin", ["", "https://coupons.shop.example"])
def test_a_message_links_to_the_campaigns_page_if_the_admins_address_is_known(
    open_campaign: CampaignMaker, chat: Receiver, mail: MailServer, settings: Settings, origin: str
) -> None:
    settings.ADMIN_URL = origin
    sell_out(open_campaign)
    approvals.ask_close("sale", actor="ann", reason="the sale is over")
    assert one_round() == 4
    page = reverse("admin:coupons_campaign_change", args=[Campaign.objects.get().pk])
    messages = [*texts_of(chat), *(mail.get_content() for mail in mail.mails)]
    assert len(messages) == 4
    for message in messages:
        last = message.rstrip().rpartition("\n")[2]
        assert (last == f"{origin}{page}") is bool(origin)
        assert ("/admin/" in message) is bool(origin)


def test_a_message_of_no_campaign_or_of_an_earlier_release_has_no_link(
    settings: Settings,
) -> None:
    settings.ADMIN_URL = "https://coupons.shop.example"
    parked = {"campaign": "sale", "name": "Sale", "count": 1}
    for kind, data in (("beat_dead", {"seconds": 90}), ("parked", parked)):
        assert "/admin/" not in texts.body_of(kind, data)
    assert "/campaign/7/" in texts.body_of("parked", parked | {"campaign_id": 7})


def test_an_opening_held_back_is_told_with_its_red_lines(
    open_campaign: CampaignMaker, chat: Receiver
) -> None:
    later = clock.read_now() + timedelta(minutes=5)
    open_campaign(opens_at=later, closes_at=later + timedelta(hours=1))
    opening_hold.hold_opening("sale", checks=["replicas", "disk"])
    assert one_round() == 1
    assert "held back. Red: replicas, disk." in texts_of(chat)[0]


def test_a_request_for_approval_is_told_while_it_is_open(
    open_campaign: CampaignMaker, chat: Receiver
) -> None:
    open_campaign()
    asked = approvals.ask_close("sale", actor="ann", reason="the sale is over")
    assert (one_round(), one_round()) == (1, 0)
    [text] = texts_of(chat)
    assert "ann asks for approval: close for good: the sale is over." in text
    assert "ann 님이 승인을 요청했습니다: 영구 종료: the sale is over." in text
    approvals.refuse_request(asked.pk, approver="bob", reason="not yet")
    Notification.objects.all().delete()
    assert one_round() == 0


def test_parked_claims_are_told_once_an_hour(open_campaign: CampaignMaker, chat: Receiver) -> None:
    open_campaign()
    entry: Any = {b"u": b"mina", b"n": b"1", b"p": b"7", b"t": b"1", b"reason": b"rejected"}
    store().client.xadd(keys.campaign_keys("sale").parked, entry)
    assert (one_round(), one_round()) == (1, 0)
    assert "parked claims: 1." in texts_of(chat)[0]
    Notification.objects.update(at=clock.read_now() - noticing.PARKED_AGAIN, event="parked:0:1")
    assert one_round() == 1


def test_a_silent_beat_is_told_once_an_outage(chat: Receiver) -> None:
    assert one_round() == 0  # none ran yet
    store().client.set(keys.SWEPT, store().server.now_ms() - 10_000)
    assert one_round() == 0
    store().client.set(keys.SWEPT, store().server.now_ms() - 1000 * beat_watch.BEAT_DEAD_S)
    assert (one_round(), one_round()) == (1, 0)
    assert "Periodic tasks have not run for 1 min " in texts_of(chat)[0]
    store().client.set(keys.SWEPT, store().server.now_ms() - 3_600_000)  # another outage
    assert one_round() == 1


def waiting_messages() -> int:
    with app.connection_for_write() as connection:
        count: int = connection.default_channel.client.llen(wakeups.BULK_QUEUE)
        return count


def test_while_beat_is_silent_a_workers_watchdog_asks_for_the_task(
    chat: Receiver, settings: Settings
) -> None:
    dog = Watchdog()
    dog.watch_beat()
    assert waiting_messages() == 0
    store().client.set(keys.SWEPT, store().server.now_ms() - 1000 * beat_watch.BEAT_DEAD_S)
    dog.watch_beat()  # looks once in BEAT_LOOK_S
    assert waiting_messages() == 0
    dog.next_look = 0.0
    dog.watch_beat()
    assert waiting_messages() == 1
    settings.NOTIFY_WEBHOOK_URL, dog.next_look = "", 0.0
    dog.watch_beat()
    assert waiting_messages() == 1


@pytest.mark.parametrize(("light", "told"), [("red", 1), ("green", 0), ("amber", 0)])
def test_a_red_rehearsal_is_told(
    open_campaign: CampaignMaker, chat: Receiver, light: str, told: int
) -> None:
    open_campaign()
    campaign = Campaign.objects.get()
    log.record_event(campaign, "Mina", EventKind.REHEARSED, light=light, checks=["eviction"])
    assert one_round() == told


def test_shadows_of_rehearsals_tell_nothing(open_campaign: CampaignMaker, chat: Receiver) -> None:
    sell_out(open_campaign)
    Rehearsal.objects.create(
        campaign=Campaign.objects.get(), shadow="sale", people=1, per_second=1, actor="Mina",
        started_at=clock.read_now(), leased_until=clock.read_now(), running=None,
    )  # fmt: skip
    assert one_round() == 0


def test_what_happened_long_ago_is_not_told(open_campaign: CampaignMaker, chat: Receiver) -> None:
    sell_out(open_campaign)
    campaign = Campaign.objects.get()
    campaign.events.update(at=clock.read_now() - noticing.LOOKED_BACK)
    assert one_round() == 0


def test_a_server_that_refuses_is_asked_again_later_and_not_for_ever(
    open_campaign: CampaignMaker, chat: Receiver, mail: MailServer
) -> None:
    chat.behaviour = answer_status(500)
    mail.refusal = "550 no"
    sell_out(open_campaign)
    assert (one_round(), one_round()) == (0, 0)
    rows = {row.channel: row for row in Notification.objects.all()}
    assert (rows["webhook"].error, rows["mail"].error) == ("refused 500", "SMTPRecipientsRefused")
    assert {row.attempts for row in rows.values()} == {1}
    for _ in sending.DELAYS:
        Notification.objects.update(due_at=clock.read_now())
        one_round()
    assert {row.state for row in Notification.objects.all()} == {NotificationState.FAILED}
    assert len(chat.received) == len(sending.DELAYS) + 1


def test_one_process_sends_it_and_a_dead_one_keeps_nobody_waiting(
    open_campaign: CampaignMaker, chat: Receiver
) -> None:
    sell_out(open_campaign)
    noticing.notice_events()
    row = Notification.objects.get()
    assert [sending._take(row), sending._take(row)] == [True, False]
    assert sending.send_due(until=lambda: False) == 0
    Notification.objects.update(busy_until=clock.read_now())
    assert sending.send_due(until=lambda: False) == 1


def test_a_chat_inside_our_network_is_not_called(
    open_campaign: CampaignMaker, chat: Receiver, settings: Settings
) -> None:
    settings.WEBHOOKS_LOOPBACK = False
    sell_out(open_campaign)
    assert one_round() == 0
    assert chat.connections == 0
    assert Notification.objects.get().error == "forbidden"


def test_without_redis_the_histories_are_told(
    open_campaign: CampaignMaker, chat: Receiver, redis_away: Any
) -> None:
    sell_out(open_campaign)
    redis_away()
    assert one_round() == 1


def test_a_closed_campaign_is_no_reason(open_campaign: CampaignMaker, chat: Receiver) -> None:
    open_campaign()
    lifecycle.close_campaign("sale", actor="Mina")
    assert one_round() == 0


def test_the_command_sends_a_test_and_lists(
    chat: Receiver, mail: MailServer, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("notify", "--test")
    assert capsys.readouterr().out.splitlines() == ["By mail: sent.", "By webhook: sent."]
    assert "test of the notifications" in texts_of(chat)[0]
    call_command("notify")
    assert capsys.readouterr().out == "Channels: mail, webhook. 0 notifications.\n"
    chat.behaviour = answer_status(404)
    with pytest.raises(CommandError, match=r"By webhook: not sent, refused 404\."):
        call_command("notify", "--test")
    settings.NOTIFY_EMAILS, settings.NOTIFY_WEBHOOK_URL = [], ""
    with pytest.raises(CommandError, match="Nobody is named"):
        call_command("notify", "--test")
