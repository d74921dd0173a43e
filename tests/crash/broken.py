"""Builds with one protection removed each, for negative controls: the checker must detect each.

Web hosts and workers import this module in place of `config`, with the build's name in BROKEN. The
product has no code for it.
"""

import hashlib
import os
import random
import time
from collections.abc import Callable
from typing import Any

from celery.worker.request import Request
from django.db import connection

import config.wsgi
from config.celery import app
from config.env import GIVEN
from config.worker.process import ReceivedMessage
from coupons.admission import recent
from coupons.campaigns import lookup, update
from coupons.claims.values import AdmittedClaim
from coupons.errors import DatabaseAway
from coupons.issuing import queue, writer
from coupons.issuing.queue import Batch
from coupons.models import Campaign
from coupons.recovery import reconcile
from coupons.store import admission as deciding
from coupons.store import claimant_field, keys
from coupons.store.client import Script
from coupons.store.server_identity import Server
from tests.crash.programs import CARRIED

application = config.wsgi.application
GONE = 137
__all__ = ["app", "application"]


def acknowledged_before_stored() -> None:
    """Claims are acknowledged when read: a worker that dies before the commit loses them."""
    read = queue.read_batch

    def reading(slug: str, **arguments: Any) -> Batch:
        batch = read(slug, **arguments)
        queue.settle_claims(slug, list(batch.claims))
        return batch

    queue.read_batch = reading


def nobody_takes_over() -> None:
    """Claims that a dead worker had read stay pending."""
    queue.take_over_batch = lambda slug, **arguments: Batch()


def queued_in_a_second_step() -> None:
    """The script gives the place; Python adds the queue entry afterwards. In 1 % of the cases the
    web process dies between the two. Reconcile does not repair it."""
    _admit_without_queueing()
    reconcile.reconcile_campaigns = lambda: []
    admit = deciding.AdmissionCalls.admit

    def admitting(self: Any, slug: str, **arguments: Any) -> deciding.Decision:
        decision = admit(self, slug, **arguments)
        if decision.outcome == "admitted":
            if random.random() < 0.01:
                os._exit(GONE)
            entry = {"u": arguments["user"], "n": arguments["nth"], "p": decision.place,
                     "t": decision.at_ms}  # fmt: skip
            self.client.xadd(keys.campaign_keys(slug).queue, entry)
        return decision

    deciding.AdmissionCalls.admit = admitting  # type: ignore[method-assign]


def carried_by_the_message() -> None:
    """The claim is not in a queue of the store but in a Celery message, with `acks_late` and all
    settings of the broker. The message is its only record; reconcile does not repair it."""
    _admit_without_queueing()
    reconcile.reconcile_campaigns = lambda: []
    admit = deciding.AdmissionCalls.admit

    def admitting(self: Any, slug: str, **arguments: Any) -> deciding.Decision:
        decision = admit(self, slug, **arguments)
        if decision.outcome == "admitted":
            claim = (arguments["user"], arguments["nth"], decision.place, decision.at_ms)
            app.send_task(CARRIED, args=[slug, *claim], retry=False)
        return decision

    deciding.AdmissionCalls.admit = admitting  # type: ignore[method-assign]


@app.task(name=CARRIED, autoretry_for=(DatabaseAway,), max_retries=None)  # type: ignore[untyped-decorator]
def carried(slug: str, *claim: Any) -> None:
    writer.store_batch(lookup.find_snapshot(slug), [AdmittedClaim(*claim)], epoch=None)


def counted_in_python() -> None:
    """The decisions of the script, by separate commands: GET, compare, then INCR."""

    def admit(self: Any, slug: str, **arguments: Any) -> deciding.Decision:
        names = keys.campaign_keys(slug)
        field = claimant_field.encode_field(
            arguments["user"], arguments["nth"], arguments["per_user"]
        )
        epoch, stock, given = self.client.hmget(names.gate, "epoch", "stock", "next")
        known, now = self.client.hget(names.claimants, field), time.time_ns() // 1_000_000
        if not epoch:
            return deciding.Decision("not_installed", 0, 0, wake_drain=False)
        if known:
            place_and_ms = int.from_bytes(known[:4]), int.from_bytes(known[4:])
            return deciding.Decision("already_claimed", *place_and_ms, wake_drain=False)
        if int(given) >= int(stock):
            return deciding.Decision("sold_out", 0, now, wake_drain=False)
        place = self.client.hincrby(names.gate, "next", 1)
        self.client.hset(names.claimants, field, place.to_bytes(4) + now.to_bytes(6))
        entry = {"u": arguments["user"], "n": arguments["nth"], "p": place, "t": now}
        self.client.xadd(names.queue, entry)
        return deciding.Decision("admitted", place, now, wake_drain=True)

    deciding.AdmissionCalls.admit = admit  # type: ignore[method-assign]


def collisions_ignored() -> None:
    """INSERT IGNORE: the database's refusals are warnings, and rows are not read back."""
    writer._INSERT_INTO = writer._INSERT_INTO.replace("INSERT", "INSERT IGNORE")
    writer._INSERT = writer._INSERT.replace("INSERT", "INSERT IGNORE")
    writer._existing_rows = lambda campaign, claims: {
        writer._identity(writer._row(campaign, claim, writer.column_encoder())) for claim in claims
    }


def missing_means_nothing_issued() -> None:
    """Without a gate the campaign is installed again and begins at place 1."""
    admit = deciding.AdmissionCalls.admit

    def admitting(self: Any, slug: str, **arguments: Any) -> deciding.Decision:
        decision = admit(self, slug, **arguments)
        if decision.outcome == "not_installed":
            update._install(Campaign.objects.get(slug=slug), is_first=True)
            return admit(self, slug, **arguments)
        return decision

    deciding.AdmissionCalls.admit = admitting  # type: ignore[method-assign]


def no_unique_keys() -> None:
    """The unchanged product on tables without unique keys: see `drop_keys`."""


def drop_keys() -> None:
    """Copy the table of coupons without its keys, nor those that refer to it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, constraint_name FROM information_schema.key_column_usage"
            " WHERE table_schema = DATABASE() AND referenced_table_name = 'coupons_coupon'"
        )
        for table, name in cursor.fetchall():
            cursor.execute(f"ALTER TABLE {table} DROP FOREIGN KEY {name}")
        cursor.execute("CREATE TABLE bare AS SELECT * FROM coupons_coupon")
        cursor.execute("DROP TABLE coupons_coupon")
        cursor.execute("RENAME TABLE bare TO coupons_coupon")


def no_append_only_file() -> None:
    """The unchanged product on a Redis without an append-only file: see `stage`."""


def no_fence() -> None:
    """No failover check: any server may decide, also a replica promoted before it had all data."""
    Server.may_decide = property(lambda server: True)  # type: ignore[method-assign, assignment]


def no_recent_admissions() -> None:
    """Web processes don't publish their recent admissions for replay."""
    recent.publish_admissions = lambda campaign: None


def messages_expire() -> None:
    """Messages expire: the sender sets the time by its clock, the worker compares with its own."""
    send = app.send_task

    def dated(*args: Any, **options: Any) -> Any:
        return send(*args, **options | {"expires": 5})

    app.send_task = dated
    ReceivedMessage.maybe_expire = Request.maybe_expire  # type: ignore[method-assign]


def _admit_without_queueing() -> None:
    text = deciding.ADMIT.text
    start = text.index("redis.call('XADD', KEYS[3]")
    deciding.ADMIT = _altered_script(text[:start] + text[text.index(")\n", start) + 2 :])


def _altered_script(text: str) -> Script:
    script = Script("admit")
    script.text = text
    script.sha = hashlib.sha1(text.encode()).hexdigest()
    return script


BUILDS: dict[str, Callable[[], None]] = {
    build.__name__: build
    for build in (
        acknowledged_before_stored, nobody_takes_over, queued_in_a_second_step,
        carried_by_the_message, counted_in_python, collisions_ignored,
        missing_means_nothing_issued, no_unique_keys, no_append_only_file, no_fence,
        no_recent_admissions, messages_expire,
    )
}  # fmt: skip
if GIVEN.get("BROKEN"):  # what a web process was started with; it forgets the rest
    BUILDS[GIVEN["BROKEN"]]()
