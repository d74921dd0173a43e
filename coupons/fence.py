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
from threading import Lock

from coupons import campaigns, change, database, rebuild, renewal
from coupons.errors import Overtaken, Refused
from coupons.models import Campaign, Tally
from coupons.store import Gate, Marks, store

logger = logging.getLogger(__name__)

ACTOR = "fence"
_one = Lock()  # of a process; the others answer 503 meanwhile


def look() -> bool:
    """Whether the server that answers may decide; if it is a new one, find out.

    Raises StoreAway, DatabaseAway: then nobody knows, and nothing is admitted.
    """
    server = store().server()
    if server.may_decide or not server.is_primary:
        return server.may_decide
    if not _one.acquire(blocking=False):
        return False
    try:
        if not _bring_up_to_date(server.identity):
            return False
        store().vouch(server.identity)
    finally:
        _one.release()
    return True


def _bring_up_to_date(identity: str) -> bool:
    """Whether all is done. Not, while somebody else repairs one of them: that may come to nothing,
    and who would look again, once this server is vouched for?"""
    with database.answering():
        queued = Campaign.objects.filter(strategy=Campaign.Strategy.QUEUED)
        rows = list(queued.exclude(state=campaigns.State.DRAFT).select_related("tally"))
    slugs = [row.slug for row in rows]
    marks, gates = store().marks(slugs), store().gates(slugs)
    concerned = []
    for row in rows:
        slug = row.slug
        if not marks[slug].epochs:
            logger.error("Redis does not know %s: run manage.py rebuild %s", slug, slug)
        elif _is_concerned(row, row.tally, marks[slug], gates[slug], identity):
            concerned.append(slug)
    renewed = renewal.renew_each(concerned, actor=ACTOR)
    finished = [_renew(slug) for slug in renewed.left]  # all of them, whatever comes of one
    return all(finished) and not renewed.overtaken


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
    return row.state != campaigns.State.CLOSED or gate.now_ms < gate.closes_ms


def _says(gate: Gate, row: Campaign) -> bool:
    """Whether the gate holds the campaign as MySQL does."""
    meant = change.definition(row)
    return (gate.stock, gate.opens_ms, gate.closes_ms, gate.paused) == (
        meant.stock, meant.opens_ms, meant.closes_ms, meant.paused,
    )  # fmt: skip


def _renew(slug: str) -> bool:
    """Whether there is nothing left to do about it."""
    try:
        rebuild.renew(slug, actor=ACTOR)
    except Overtaken:
        return False
    except Refused as refusal:  # the others shall not wait for this one
        logger.error("%s stays as it is: %s", slug, refusal)
    return True
