"""Rebuild: write campaigns' data into Redis again, and open them for admissions.

    1  close the gates, in Redis           from here on nothing is admitted
    2  new epochs, in MySQL                from here on no drain stores what it read before
    3  write claimants, from all sources   see `recovery.known_claims`
    4  open the gates, in Redis            one step each: the new epoch, numbers above the highest
    5  put lost admissions on the queue    those that were answered and that neither store has

One algorithm, for one campaign and for many. Of many, those that need no claimants go through the
steps together, in one transaction and two pipelines; the others follow one after the other.

A crash after any step leaves a campaign closed; a repeated rebuild begins from the start. Of two
concurrent rebuilds, only the one that began last opens. Waiting claims stay in the queue. MySQL's
coupons have priority: a claimant that differs in Redis is corrected.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from coupons.audit import log
from coupons.broker import wakeups
from coupons.campaigns import update
from coupons.campaigns.fault_isolation import isolate_campaign
from coupons.campaigns.signals import campaign_changed
from coupons.claims import holder_filter
from coupons.claims.values import AdmittedClaim
from coupons.database import availability
from coupons.errors import ForeignKeys, Overtaken
from coupons.models import Campaign, Coupon, EventKind, Tally
from coupons.observability.metrics import Work
from coupons.recovery import epochs, highest_place, lost_admissions
from coupons.recovery.known_claims import KnownClaims
from coupons.store import store
from coupons.store.recovery import Closed

TOGETHER = 200  # campaigns per transaction: it locks their rows, and blocks Redis for milliseconds
Tell = Callable[[int], None]  # progress: the number of claimants written so far


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The result of a rebuild. Numbering continues above `highest`."""

    slug: str
    epoch: str
    claimants: int
    waiting: int
    highest: int
    seconds: float


@dataclass(slots=True)
class Renewed:
    """The slugs given to `renew_campaigns` that are not open now. `left`: to be done by
    `renew_campaign` (their row was locked, or a step failed). `overtaken`: another process has
    begun a repair meanwhile."""

    left: list[str] = field(default_factory=list)
    overtaken: list[str] = field(default_factory=list)


def rebuild_campaign(slug: str, *, actor: str, tell: Tell = lambda _: None) -> Rebuilt:
    """Write all claims of MySQL, the queue and the parked claims into Redis, and open the campaign.

    Safe at any time, also twice, also while workers and web processes run; the campaign answers
    503 meanwhile. Raises UnknownCampaign, IllegalTransition, ForeignKeys, Overtaken, StoreAway,
    DatabaseAway.
    """
    return _Rebuild(actor, everything=True, tell=tell).one(slug)


def renew_campaign(slug: str, *, actor: str) -> Rebuilt:
    """The same for a Redis that may lack only its most recent writes, as after a failover (it has a
    prefix of the history). Writes only claims above the gate's last place. Raises the same."""
    return _Rebuild(actor).one(slug)


def renew_campaigns(slugs: Sequence[str], *, actor: str) -> Renewed:
    """The same for many campaigns. A failure of one does not keep the others from opening.

    Left out are rows that another transaction has locked, which could keep all others closed for
    long, and campaigns that another process has renewed for this server meanwhile, which stay open.
    Raises StoreAway, DatabaseAway; a crash at any point leaves campaigns closed.
    """
    rebuild, renewed = _Rebuild(actor, together=True), Renewed()
    for start in range(0, len(slugs), TOGETHER):
        batch = slugs[start : start + TOGETHER]
        rebuild.run(batch)
        renewed.left += sorted(set(batch) - rebuild.finished - set(rebuild.overtaken))
    renewed.overtaken = sorted(rebuild.overtaken)
    return renewed


@dataclass(slots=True)
class _Closing:
    """A campaign that this rebuild has closed. `highest`: the highest place known to be given.
    `last_place_ms`: when the last place of the stock was given, if its claimant was written; 0 also
    if places were granted: then the last one may be of a grant, after the sell-out."""

    campaign: Campaign
    gate: Closed
    highest: int = 0
    last_place_ms: int = 0
    needs_claimants: bool = True
    claimants: int = 0
    lost: list[AdmittedClaim] = field(default_factory=list)


@dataclass(slots=True)
class _Rebuild:
    """`everything`: what Redis knows is in doubt. `together`: many campaigns, isolated from each
    other's failures; of one, failures are raised."""

    actor: str
    everything: bool = False
    together: bool = False
    tell: Tell = lambda _: None
    finished: set[str] = field(default_factory=set)
    overtaken: list[str] = field(default_factory=list)
    results: dict[str, Rebuilt] = field(default_factory=dict)
    _server: str = ""
    _began_s: float = 0.0

    def one(self, slug: str) -> Rebuilt:
        self.run([slug])
        if self.overtaken:
            raise Overtaken(_("Another repair of {!r} has begun meanwhile.").format(slug))
        return self.results[slug]

    def run(self, slugs: Sequence[str]) -> None:
        self._began_s, self._server = time.monotonic(), store().server.read_identity().identity
        closed = self._close(slugs)
        closed = self._read_highest(closed)
        self._open([closing for closing in closed if not closing.needs_claimants])
        for closing in closed:
            if closing.needs_claimants:
                with self._guard(closing.campaign.slug):
                    self._write_claimants(closing)
                    self._open([closing])

    def _guard(self, slug: str) -> AbstractContextManager[None]:
        return isolate_campaign(slug, Work.FAILOVER) if self.together else nullcontext()

    # 1 and 2

    def _close(self, slugs: Sequence[str]) -> list[_Closing]:
        """Steps 1 and 2, under the row locks: they wait for batches that are being stored, and
        block all other changes."""
        with availability.require_database(), transaction.atomic():
            rows = self._with_new_epochs(self._locked_rows(slugs))
            gates = store().recovery.close_gates(
                [(row.slug, row.epoch, holder_filter.bit_count(row.filter_blocks)) for row in rows],
                in_doubt=self.everything,
            )
            closed = []
            for row in rows:
                with self._guard(row.slug):
                    closed.append(_Closing(row, gates.result(row.slug)))
            Campaign.objects.bulk_update(rows, ["epoch", "stock", "granted"])
        return closed

    def _locked_rows(self, slugs: Sequence[str]) -> list[Campaign]:
        if not self.together:
            return [update.lock_campaign(slug) for slug in slugs]
        free = Campaign.objects.select_for_update(skip_locked=True)
        return list(free.filter(slug__in=slugs).order_by("pk"))

    def _with_new_epochs(self, rows: Sequence[Campaign]) -> list[Campaign]:
        marks, changed = store().recovery.gate_marks([row.slug for row in rows]), []
        for row in rows:
            with self._guard(row.slug):
                known = marks.result(row.slug)
                if self.together and known.opened == (row.epoch, self._server):
                    self.finished.add(row.slug)
                elif epochs.is_ours(row, known) or not known.epochs:
                    row.epoch = epochs.next_epoch([row.epoch, *known.epochs])
                    update.count_granted(row, known.granted_units)
                    changed.append(row)
                elif not self.together:  # otherwise left for `renew_campaign`
                    raise ForeignKeys(
                        _("Redis holds keys of another campaign called {!r}.").format(row.slug)
                    )
        return changed

    # 3

    def _read_highest(self, closed: Sequence[_Closing]) -> list[_Closing]:
        """For all campaigns, by two queries: the highest place of a coupon, and of any claim. One
        without a tally fails: numbered by its coupons alone, places could be given twice."""
        ids = [closing.campaign.pk for closing in closed]
        with availability.require_database():
            coupons = Coupon.objects.filter(campaign__in=ids).order_by()
            stored = dict(coupons.values_list("campaign").annotate(Max("place")))
            tallies = Tally.objects.filter(campaign__in=ids)
            noted = dict(tallies.values_list("campaign", "highest"))
        readable = []
        for closing in closed:
            with self._guard(closing.campaign.slug):
                pk = closing.campaign.pk
                if pk not in noted:
                    raise Tally.DoesNotExist(f"{closing.campaign.slug} has no row of its tally")
                of_coupon, of_claim = stored.get(pk, 0), noted[pk]
                closing.highest = max(of_coupon, of_claim, closing.gate.given or 0)
                closing.needs_claimants = self.everything or not _has_all_claimants(
                    closing.gate, of_coupon, of_claim
                )
                readable.append(closing)
        return readable

    def _write_claimants(self, closing: _Closing) -> None:
        campaign, given = closing.campaign, closing.gate.given
        above = 0 if self.everything or not closing.gate.whole else given or 0
        known = KnownClaims(campaign, above)
        for page in known.pages():
            store().recovery.write_claimants(
                campaign.slug, page.claimants,
                filter_blocks=campaign.filter_blocks, replace=page.stored,
            )  # fmt: skip
            closing.highest = max([closing.highest, *(one.place for one in page.claimants)])
            closing.claimants += len(page.claimants)
            if not campaign.granted:
                of_last = (one.admitted_ms for one in page.claimants if one.place == campaign.stock)
                closing.last_place_ms = max(closing.last_place_ms, *of_last, 0)
            self.tell(closing.claimants)
        if given is None:
            closing.highest = max(closing.highest, highest_place.highest_claimant(campaign))
        closing.lost = known.lost

    # 4 and 5

    def _open(self, closed: Sequence[_Closing]) -> None:
        ready, requests = [], []
        with availability.require_database(), transaction.atomic():  # one flush for all
            for closing in closed:
                highest_place.raise_highest(closing.campaign.pk, closing.highest)
                with self._guard(closing.campaign.slug):
                    definition = update.redis_definition(closing.campaign)
                    requests.append(
                        (closing.campaign.slug, definition, closing.highest, closing.last_place_ms)
                    )
                    ready.append(closing)
        replies = store().recovery.open_gates(requests, server=self._server)
        campaign_changed.send(sender=None)
        opened = []
        for closing in ready:
            with self._guard(closing.campaign.slug):
                is_open, highest, waiting = replies.result(closing.campaign.slug)
                if is_open:
                    self._finish(closing, highest, waiting)
                    opened.append(closing)
                else:
                    self.overtaken.append(closing.campaign.slug)
        self._record(opened)

    def _finish(self, closing: _Closing, highest: int, waiting: int) -> None:
        slug = closing.campaign.slug
        if closing.needs_claimants:
            waiting += lost_admissions.requeue_lost(closing.campaign, closing.lost)
        seconds = time.monotonic() - self._began_s
        self.results[slug] = Rebuilt(
            slug, closing.campaign.epoch, closing.claimants, waiting, highest, seconds
        )
        self.finished.add(slug)

    def _record(self, opened: Sequence[_Closing]) -> None:
        results = [self.results[closing.campaign.slug] for closing in opened]
        with availability.require_database():
            log.record_events(
                [
                    (closing.campaign, _event_data(result))
                    for closing, result in zip(opened, results, strict=True)
                ],
                self.actor,
                EventKind.REBUILT if self.everything else EventKind.CHECKED,
            )
        wakeups.notify_drains([result.slug for result in results if result.waiting])


def _has_all_claimants(gate: Closed, of_coupon: int, of_claim: int) -> bool:
    """Whether Redis has all claimants. If a gate's numbering starts at 0 again, it may not."""
    if not gate.whole or gate.given is None:
        return False
    return of_coupon <= gate.given and (gate.given > 0 or of_claim == 0)


def _event_data(done: Rebuilt) -> dict[str, object]:
    return {"claimants": done.claimants, "highest": done.highest, "epoch": done.epoch}
