"""A worker that gets SIGTERM (a deployment) finishes its batch, leaves no claim pending, and sends
a wake-up for the rest."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from config.celery import app
from config.development.process import commands
from coupons import store, tasks
from coupons.broker import wakeups
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.errors import UnknownCampaign
from coupons.issuing import drain
from coupons.models import Coupon
from coupons.store import keys
from tests.config.waiting import wait_until
from tests.conftest import CampaignMaker
from tests.harness import servers

pytestmark = pytest.mark.slow

CLAIMS = 1500
# So that SIGTERM arrives during a drain: it would end after 25 s, with 1,250 claims stored.
SLOW = {"DRAIN_ROWS_PER_S": "50", "DRAIN_BATCH": "10", "DRAIN_TIME_S": "25"}


def admit_claims(campaign: CampaignSnapshot, count: int) -> None:
    for n in range(count):
        store.store().admission.admit(
            campaign.slug,
            user=f"user-{n}", nth=1, per_user=1,
            filter_blocks=campaign.filter_blocks,
        )  # fmt: skip


def count_taken() -> int:
    """Claims that a worker has read and not acknowledged."""
    pending = store.store().client.xpending(keys.campaign_keys("sale").queue, keys.GROUP)
    return int(pending["pending"])


def test_a_worker_asked_to_end_under_load_finishes_its_batch(
    open_campaign: CampaignMaker, child_environment: dict[str, str], tmp_path: Path
) -> None:
    campaign = open_campaign(stock=CLAIMS)
    admit_claims(campaign, CLAIMS)
    app.control.purge()
    environment = child_environment | SLOW
    with servers.start_program(
        commands.worker_command(pool=2), log=tmp_path / "worker.log", env=environment
    ) as worker:
        connection.close()  # the server ends an idle session
        wakeups.notify_drain("sale")
        wait_until(lambda: Coupon.objects.count() > 50)
        os.kill(worker.pid, signal.SIGTERM)  # the parent only, as its unit does
        worker.finish(patience_s=120)
    stored, waiting = Coupon.objects.count(), store.store().campaigns.gate("sale").waiting
    assert 50 < stored < 900, "it did not wait for the end of a long drain"
    assert stored + waiting == CLAIMS
    assert count_taken() == 0, "its batch was finished, nothing needs to be taken over"
    assert app.connection_for_write().default_channel.client.llen("celery") >= 1, "it rang"


def test_a_drain_that_is_told_to_stop_leaves_the_rest_for_another(
    open_campaign: CampaignMaker, settings: Any
) -> None:
    settings.DRAIN_BATCH = 3
    admit_claims(open_campaign(), 7)
    done = drain.drain("sale", consumer="one", stopping=lambda: True)
    assert (done.stored, done.left) == (3, True)
    assert count_taken() == 0


def test_a_drain_keeps_to_its_rate(open_campaign: CampaignMaker, settings: Any) -> None:
    settings.DRAIN_BATCH, settings.DRAIN_ROWS_PER_S = 5, 50
    admit_claims(open_campaign(stock=100), 20)
    began = time.monotonic()
    assert drain.drain("sale", consumer="one").stored == 20
    assert time.monotonic() - began >= 0.3


# Many campaigns at once


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Messages that would have been sent to the broker."""
    messages: list[tuple[str, Any]] = []

    def send(task: str, argument: object, **_: object) -> bool:
        messages.append((task, argument))
        return True

    monkeypatch.setattr(wakeups, "_send", send)
    return messages


def test_a_sweep_rings_for_many_campaigns_with_few_messages(
    open_campaign: CampaignMaker, sent: list[tuple[str, Any]]
) -> None:
    slugs = [f"sale-{n:03}" for n in range(120)]
    for slug in slugs:
        admit_claims(open_campaign(slug), 1)
    store.store().client.delete(*(keys.campaign_keys(slug).bell for slug in slugs))
    tasks.sweep()
    assert [task for task, _ in sent] == [wakeups.DRAIN_EACH] * 3
    assert sorted(slug for _, some in sent for slug in some) == slugs
    sent.clear()
    tasks.sweep()
    assert sent == [], "they are rung for already"


def test_one_message_drains_them_all(open_campaign: CampaignMaker) -> None:
    slugs = ["spring", "summer", "autumn"]
    for slug in slugs:
        admit_claims(open_campaign(slug), 5)
    tasks.drain_each(slugs)
    assert Coupon.objects.count() == 15


def test_one_that_cannot_be_drained_does_not_keep_the_others_waiting(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    admit_claims(open_campaign("summer"), 5)
    real = drain.drain

    def strange(slug: str, **how: object) -> drain.Drained:
        if slug == "spring":
            raise UnknownCampaign("There is no campaign 'spring'.")
        return real(slug, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(tasks, "drain_queue", strange)
    tasks.drain_each(["spring", "summer"])
    assert Coupon.objects.count() == 5


def test_what_there_was_no_time_for_is_rung_for_again(
    open_campaign: CampaignMaker, settings: Any, sent: list[tuple[str, Any]]
) -> None:
    settings.DRAIN_TIME_S = 0
    for slug in ("spring", "summer"):
        admit_claims(open_campaign(slug), 1)
    sent.clear()
    tasks.drain_each(["spring", "summer"])
    assert sent == [(wakeups.DRAIN_EACH, ["spring", "summer"])]
