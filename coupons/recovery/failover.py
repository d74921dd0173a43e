"""Failover check: compare a restarted or promoted Redis with MySQL before it may admit claims.

A promoted replica may lack the old primary's last decisions, a server restarted from a file those
made since the file was written. Drains may have stored some of them in MySQL already, also ones
that no replica had confirmed. Such a server would give those places to other users. So each
campaign that may be affected is renewed (`rebuild.renew_campaigns`): it is closed, gets a new
epoch, so that no drain stores claims of the old history, coupons above its last place are written
to Redis, and it is opened above them. If nothing is missing this takes some milliseconds per
campaign.

The process that detects the change does this: a web process that needs the server, or the sweep. If
two do, one waits for the other's row lock and finds it done. A campaign that this Redis does not
know at all stays closed, since an empty Redis may be the wrong server: `manage.py rebuild` is run
by an operator.
"""

import logging
from functools import partial
from threading import Lock

from coupons.campaigns import lifecycle, update
from coupons.campaigns.fault_isolation import isolate_campaign
from coupons.claims import holder_filter
from coupons.database import availability
from coupons.errors import Overtaken, Refused, StoreError
from coupons.models import Campaign, Tally
from coupons.observability.metrics import Work
from coupons.recovery import epochs, rebuild
from coupons.runtime import ProcessState
from coupons.store import ByCampaign, Gate, Marks, store

logger = logging.getLogger(__name__)

ACTOR = "fence"
_one_check = ProcessState(Lock)  # one thread per process; the others answer 503 meanwhile


def verify_server() -> bool:
    """Whether the current Redis server may admit claims. Compares an unverified server with MySQL.

    Raises StoreAway, DatabaseAway if that can't be determined; then nothing is admitted.
    """
    server = store().server.read_identity()
    if server.may_decide or not server.is_primary:
        return server.may_decide
    one_check = _one_check.current
    if not one_check.acquire(blocking=False):
        return False
    try:
        if not _bring_up_to_date(server.identity):
            return False
        store().server.mark_verified(server.identity)
    finally:
        one_check.release()
    return True


def _bring_up_to_date(identity: str) -> bool:
    """Whether all affected campaigns are done. False while another process repairs one of them: its
    repair may fail, and once this server is verified no check would find that."""
    with availability.require_database():
        queued = Campaign.objects.filter(strategy=Campaign.Strategy.QUEUED)
        rows = list(queued.exclude(state=lifecycle.State.DRAFT).select_related("tally"))
    slugs = [row.slug for row in rows]
    marks, gates = store().recovery.gate_marks(slugs), store().campaigns.gates(slugs)
    affected = [
        row.slug for row in rows if _may_be_affected(row, marks, gates.get(row.slug), identity)
    ]
    renewed = rebuild.renew_campaigns(affected, actor=ACTOR)
    finished = [_renew_one(slug) for slug in renewed.left]  # a list: after a failure go on
    return all(finished) and not renewed.overtaken


def _may_be_affected(
    row: Campaign, marks: ByCampaign[Marks], gate: Gate | None, identity: str
) -> bool:
    """True also for a campaign where this can't be determined."""
    slug, affected = row.slug, True
    with isolate_campaign(slug, Work.FAILOVER):
        mark = marks.result(slug)
        if mark.epochs:
            affected = _is_affected(row, row.tally, mark, gate, identity)
        else:
            logger.error("Redis has no data of %s: run manage.py rebuild %s", slug, slug)
            affected = False
    return affected


def _is_affected(
    row: Campaign, tally: Tally, marks: Marks, gate: Gate | None, identity: str
) -> bool:
    """Whether Redis may lack decisions about this campaign, or changes to it."""
    if gate is None or marks.epoch != row.epoch:
        return True
    if marks.server == identity:  # another process has just done it
        return False
    if gate.admitted < max(tally.highest, tally.stored) or not _is_same_definition(gate, row):
        return True
    # Also a campaign that has not opened: by the former server's clock it may have opened.
    # A closed one gives no more places, if it is over by the clock of this server, too.
    return row.state != lifecycle.State.CLOSED or gate.now_ms < gate.closes_ms


def _is_same_definition(gate: Gate, row: Campaign) -> bool:
    """Whether the definition in the gate equals MySQL's."""
    definition = update.redis_definition(row)
    return (gate.stock, gate.opens_ms, gate.closes_ms, gate.paused) == (
        definition.stock, definition.opens_ms, definition.closes_ms, definition.paused,
    )  # fmt: skip


def _renew_one(slug: str) -> bool:
    """False if another process repairs this campaign; True: it is open, or stays closed."""
    with isolate_campaign(slug, Work.FAILOVER, on_failure=partial(_keep_closed, slug)):
        try:
            rebuild.renew_campaign(slug, actor=ACTOR)
        except Overtaken:
            return False
        except Refused as refusal:
            logger.error("%s was not compared with MySQL: %s", slug, refusal)
    return True


def _keep_closed(slug: str, _: Exception) -> None:
    """Close a campaign that could not be compared with MySQL: it must not admit once this server is
    verified. Reconcile continues its repair. A gate that can't be closed is damaged, and admits no
    claim."""
    with availability.require_database():
        row = Campaign.objects.get(slug=slug)
    try:
        marks = store().recovery.gate_marks([slug]).result(slug)
        if epochs.is_ours(row, marks):
            epoch = epochs.next_epoch([row.epoch, *marks.epochs])
            bits = holder_filter.bit_count(row.filter_blocks)
            store().recovery.close_gates([(slug, epoch, bits)]).result(slug)
    except StoreError as error:
        logger.error("%s could not be closed for repair: %s", slug, error)
