"""Bad messages on the broker: code in a pickle, unknown tasks, unknown campaigns, duplicate
wake-ups, old ones. The worker stays up and consumes the next messages."""

import os
import pickle
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from config.celery import app
from config.development.process import commands
from coupons import store
from coupons.broker import wakeups
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.models import Coupon
from tests.config.waiting import wait_until
from tests.conftest import CampaignMaker
from tests.crash.test_stopping import admit_claims
from tests.harness import servers

pytestmark = pytest.mark.slow


class Bomb:
    """Creates the file `mark` when it is unpickled, in place of any command."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.mark}",)


def publish_message(
    body: bytes | str, *, task: str, content_type: str, encoding: str = "utf-8"
) -> None:
    with app.connection_for_write() as connection:
        connection.Producer().publish(
            body, routing_key="celery", content_type=content_type, content_encoding=encoding,
            headers={"task": task, "id": f"{task}-{time.monotonic_ns()}", "lang": "py"},
        )  # fmt: skip


def send_wakeup(slug: str) -> bool:
    """As beat does. Returns whether it was sent."""
    return wakeups.notify_drain(slug)


def test_bad_messages_do_no_harm_and_good_ones_are_heard_after_them(
    open_campaign: CampaignMaker, child_environment: dict[str, str], tmp_path: Path
) -> None:
    app.control.purge()
    sale: CampaignSnapshot = open_campaign(stock=20)
    admit_claims(sale, 20)
    mark = tmp_path / "mark"
    pickled = pickle.dumps(((Bomb(mark),), {}, {}))
    publish_message(pickled, task=wakeups.DRAIN, content_type="application/x-python-serialize",
                    encoding="binary")  # fmt: skip
    for body in ("", "null", "[]", "{not json", '[["sale"], {}, {}', '[[], {"slug": {}}, {}]'):
        publish_message(body, task=wakeups.DRAIN, content_type="application/json")
    publish_message("[[], {}, {}]", task="os.system", content_type="application/json")
    publish_message("[[], {}, {}]", task="", content_type="application/json")
    for slug in ("gone", "", "../sale", "x" * 5000, "{sale}:gate", None, 7, ["sale"]):
        app.send_task(wakeups.DRAIN, args=[slug])
    app.send_task(wakeups.DRAIN, args=["sale", "more", "words"])
    # Expired a week ago by the sender's clock: consumed anyway (12 A2). It is the only one.
    admit_claims(open_campaign("late"), 2)
    app.send_task(wakeups.DRAIN_EACH, args=[["gone", "late"]], expires=-7 * 86_400)
    for _ in range(30):
        wakeups.notify_drain("sale")
    environment = child_environment
    connection.close()  # the server ends an idle session
    with servers.start_program(
        commands.worker_command(), log=tmp_path / "worker.log", env=environment
    ) as worker:
        wait_until(lambda: send_wakeup("sale") and Coupon.objects.count() == 22)
        worker.raise_if_ended()
        admit_claims(open_campaign("other"), 3)
        wait_until(lambda: send_wakeup("other") and Coupon.objects.count() == 25)
        os.kill(worker.pid, signal.SIGTERM)
        worker.finish(patience_s=120)
    assert not mark.exists(), "a pickle was opened"
    assert store.store().campaigns.gate("sale").parked == 0
