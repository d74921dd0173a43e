"""The fence: before another Redis decides, it is compared with MySQL, and brought up to date.

A promoted replica may lack the old primary's last decisions, a server restarted from a file those
since it was written. MySQL may know some of them already: drains stored them, also ones that no
replica had confirmed. If such a server went on counting where it stands, it would give those places
to others. So each campaign that may be concerned is renewed (`rebuild.renew`): closed, a new epoch,
so that no drain stores old claims any more, the coupons behind its last place made known to it,
opened above them. With nothing missing that takes some milliseconds a campaign.

Whoever finds the server changed does this, a web process in need of it or the sweep; of two, one
waits for the other's row lock and finds it done. A campaign that this Redis does not know at all
stays closed: an empty Redis may as well be the wrong one, so `manage.py rebuild` is for people.
"""

import logging
from functools import partial
from threading import Lock

from coupons.campaigns import lifecycle, update
from coupons.campaigns.isolation import isolate_campaign
from coupons.claims import holder_filter
from coupons.database import availability
from coupons.errors import Overtaken, Refused, StoreError
from coupons.models import Campaign, Tally
from coupons.observability.metrics import Work
from coupons.recovery import epochs, rebuild
from coupons.store import ByCampaign, Gate, Marks, store

logger = logging.getLogger(__name__)

ACTOR = "fence"
_one = Lock()  # of a process; the others answer 503 meanwhile


def verify_server() -> bool:
    """Whether the server that answers may decide; if it is a new one, find out.

    Raises StoreAway, DatabaseAway: then nobody knows, and nothing is admitted.
    """
    server = store().current_server()
    if server.may_decide or not server.is_primary:
        return server.may_decide
    if not _one.acquire(blocking=False):
        return False
    try:
        if not _bring_up_to_date(server.identity):
            return False
        store().mark_server_verified(server.identity)
    finally:
        _one.release()
    return True


def _bring_up_to_date(identity: str) -> bool:
    """Whether all is done. Not, while somebody else repairs one of them: that may come to nothing,
    and who would look again, once this server is vouched for?"""
    with availability.require_database():
        queued = Campaign.objects.filter(strategy=Campaign.Strategy.QUEUED)
        rows = list(queued.exclude(state=lifecycle.State.DRAFT).select_related("tally"))
    slugs = [row.slug for row in rows]
    marks, gates = store().gate_marks(slugs), store().gates(slugs)
    concerned = [
        row.slug for row in rows if _may_be_concerned(row, marks, gates.get(row.slug), identity)
    ]
    renewed = rebuild.renew_campaigns(concerned, actor=ACTOR)
    finished = [_renew(slug) for slug in renewed.left]  # all of them, whatever comes of one
    return all(finished) and not renewed.overtaken


def _may_be_concerned(
    row: Campaign, marks: ByCampaign[Marks], gate: Gate | None, identity: str
) -> bool:
    """Also a campaign of which that can't be told."""
    slug, concerned = row.slug, True
    with isolate_campaign(slug, Work.FENCE):
        mark = marks.result(slug)
        if mark.epochs:
            concerned = _is_concerned(row, row.tally, mark, gate, identity)
        else:
            logger.error("Redis does not know %s: run manage.py rebuild %s", slug, slug)
            concerned = False
    return concerned


def _is_concerned(
    row: Campaign, tally: Tally, marks: Marks, gate: Gate | None, identity: str
) -> bool:
    """Whether decisions about it may be missing, or changes to it."""
    if gate is None or marks.epoch != row.epoch:
        return True
    if marks.server == identity:  # somebody else has just done it
        return False
    if gate.admitted < max(tally.highest, tally.stored) or not _says(gate, row):
        return True
    # Also one that has not opened: the clock of the server before this one may have said it had.
    # One that is over gives no more places, if it is over by the clock of this server, too.
    return row.state != lifecycle.State.CLOSED or gate.now_ms < gate.closes_ms


def _says(gate: Gate, row: Campaign) -> bool:
    """Whether the gate holds the campaign as MySQL does."""
    meant = update.redis_definition(row)
    return (gate.stock, gate.opens_ms, gate.closes_ms, gate.paused) == (
        meant.stock, meant.opens_ms, meant.closes_ms, meant.paused,
    )  # fmt: skip


def _renew(slug: str) -> bool:
    """Whether the others need not wait for it any more: it is open, or stays closed."""
    with isolate_campaign(slug, Work.FENCE, on_failure=partial(_keep_closed, slug)):
        try:
            rebuild.renew_campaign(slug, actor=ACTOR)
        except Overtaken:
            return False
        except Refused as refusal:
            logger.error("%s stays as it is: %s", slug, refusal)
    return True


def _keep_closed(slug: str, _: Exception) -> None:
    """It could not be compared with MySQL, so it must not admit once this server is vouched for.
    Reconcile goes on with its repair. A gate that can't be closed is damaged, and admits nobody."""
    with availability.require_database():
        row = Campaign.objects.get(slug=slug)
    try:
        marks = store().gate_marks([slug]).result(slug)
        if epochs.is_ours(row, marks):
            epoch = epochs.next_epoch([row.epoch, *marks.epochs])
            bits = holder_filter.bit_count(row.filter_blocks)
            store().close_each([(slug, epoch, bits)]).result(slug)
    except StoreError as error:
        logger.error("%s could not be closed for repair: %s", slug, error)
