"""Live counts: one round trip to Redis and one query to MySQL, for any number of campaigns."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coupons.admin.campaigns import slot_progress
from coupons.admin.campaigns.last_answer import as_redis_has_it
from coupons.database import clock
from coupons.errors import StoreFailure
from coupons.models import Campaign, Tally
from coupons.store import ByCampaign, Gate, store


@dataclass(frozen=True, slots=True)
class Counts:
    """A campaign's counts. None: not known at the moment, and `note` says why."""

    stock: int
    stored: int | None
    admitted: int | None = None
    waiting: int | None = None
    parked: int | None = None
    note: str = ""
    lost: bool = False  # Redis answers, but does not have this campaign
    now_ms: int | None = None  # by the clock that opens the campaign; Redis away: by MySQL's

    @property
    def remaining(self) -> int | None:
        return None if self.admitted is None else max(0, self.stock - self.admitted)

    @property
    def admitted_permille(self) -> int:
        return 1000 * (self.admitted or 0) // self.stock

    @property
    def stored_permille(self) -> int:
        return 1000 * (self.stored or 0) // self.stock

    @property
    def sold_out(self) -> bool:
        return self.remaining == 0

    def as_json(self) -> dict[str, int | str | None]:
        return {
            "stock": self.stock,
            "stored": self.stored,
            "admitted": self.admitted,
            "waiting": self.waiting,
            "parked": self.parked,
            "remaining": self.remaining,
            "note": self.note,
            "now_ms": self.now_ms,
        }


def live_counts(campaigns: Sequence[Campaign]) -> dict[int, Counts]:
    """Campaign id → counts. If Redis is away the counts say so; StoreAway is not raised."""
    tallies = _tallies(campaigns)
    queued_slugs = [campaign.slug for campaign in campaigns if _lives_in_redis(campaign)]
    gates, notes = _gates(queued_slugs)
    counts = {}
    for campaign in campaigns:
        stored, now_ms = tallies.get(campaign.pk, (0, None))
        gate, note = gates.get(campaign.slug), notes.get(campaign.slug, "")
        counts[campaign.pk] = _counts(campaign, stored, now_ms, gate, note)
    return counts


def _tallies(campaigns: Sequence[Campaign]) -> dict[int, tuple[int, int]]:
    """Campaign id → (number of stored coupons, MySQL's time in ms)."""
    ids = [campaign.pk for campaign in campaigns]
    tallies = Tally.objects.filter(campaign_id__in=ids).annotate(now_ms=clock.NowMs())
    return {pk: (stored, now) for pk, stored, now in tallies.values_list("pk", "stored", "now_ms")}


def counts_of(campaign: Campaign) -> Counts:
    """The counts of one campaign, with a note while its slots are being made or removed."""
    counts = live_counts([campaign])[campaign.pk]
    return replace(counts, note=counts.note or slot_progress.progress_note(campaign))


def counts_without_mysql(campaign: Campaign) -> tuple[Campaign, Counts]:
    """The campaign as Redis has it, and its counts as far as Redis knows them; asks it alone."""
    if not _lives_in_redis(campaign):
        note = _("MySQL does not answer: claims of this campaign get 503.")
        return campaign, Counts(campaign.stock, None, note=note)
    gates, notes = _gates([campaign.slug])
    gate = gates.get(campaign.slug)
    known = as_redis_has_it(campaign, gate)
    if gate is None:
        note = f"{_MYSQL_AWAY} {notes.get(campaign.slug, '')}"
        return known, Counts(known.stock, None, note=note.strip())
    note = str(_MYSQL_WAITS if gate.remaining else _MYSQL_AWAY)
    return known, Counts(
        known.stock, None, gate.admitted, gate.waiting, gate.parked, note, now_ms=gate.now_ms
    )


_MYSQL_AWAY = gettext_lazy("MySQL does not answer.")
_MYSQL_WAITS = gettext_lazy("MySQL does not answer: claims are admitted and wait in Redis.")


def _lives_in_redis(campaign: Campaign) -> bool:
    queued = campaign.strategy == Campaign.Strategy.QUEUED
    return queued and campaign.state != Campaign.State.DRAFT


def _gates(slugs: Sequence[str]) -> tuple[dict[str, Gate | None], dict[str, str]]:
    """Slug → gate, and slug → note for campaigns of which Redis gives no usable answer."""
    try:
        gates: ByCampaign[Gate | None] = store().campaigns.gates(slugs) if slugs else ByCampaign()
    except StoreFailure:
        return {}, dict.fromkeys(slugs, _("Redis does not answer: live counts are not known."))
    damaged = _("What Redis holds of {} can't be read: see its board.")
    return gates, {slug: damaged.format(slug) for slug in gates.failed}


def _counts(
    campaign: Campaign, stored: int, now_ms: int | None, gate: Gate | None, note: str
) -> Counts:
    stock = campaign.stock
    if not _lives_in_redis(campaign):  # what is admitted is stored in the same transaction
        return Counts(stock, stored, admitted=stored, waiting=0, parked=0, now_ms=now_ms)
    if gate is None:
        lost = _("Redis has lost this campaign: closed for repair.")
        return Counts(stock, stored, note=note or lost, lost=not note, now_ms=now_ms)
    return Counts(stock, stored, gate.admitted, gate.waiting, gate.parked, now_ms=gate.now_ms)
