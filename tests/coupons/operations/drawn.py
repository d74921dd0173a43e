"""Campaigns drawn by Hypothesis, what is stored of one in both stores, and verbs to try on it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

from django.utils import timezone
from hypothesis import strategies as st

from coupons.admission import strategies
from coupons.audit.actors import Actor
from coupons.bulk import jobs
from coupons.campaigns import slots
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.identifiers import make_uuid7
from coupons.claims.values import Claim
from coupons.errors import CouponError
from coupons.issuing import dead_letters, drain
from coupons.models import (
    ActorKind,
    Campaign,
    Coupon,
    CouponLife,
    GivenUp,
    Job,
    JobLine,
    Merchant,
    OutboxMessage,
    Returned,
    Slot,
    Tally,
)
from coupons.operations import dry_runs
from coupons.operations.forecast import Forecast
from coupons.redemption import lifecycle as coupon_life
from coupons.store import store
from tests.conftest import CampaignMaker

OPERATOR = Actor(ActorKind.OPERATOR, "mina")
VERBS = (*dry_runs.CAMPAIGN_VERBS, "replay", "give_up", "revoke")
_numbers = count(1)
_DECIDING = {b"gate", b"claimants", b"queue", b"parked", b"filter", b"waitlist"}


@dataclass(frozen=True, slots=True)
class Drawn:
    """A case. `admitted` users have a place (as far as the stock goes), of which the first
    `stored`, `parked` the next ones; `revoked` and `held` of those stored. `to`: a new stock, or
    lines of a list."""

    verb: str
    strategy: str
    state: str
    has_merchant: bool
    stock: int
    admitted: int
    stored: int
    parked: int
    revoked: int
    to: int


def drawn_cases(verbs: tuple[str, ...] = VERBS) -> st.SearchStrategy[Drawn]:
    few = st.integers(0, 3)
    return st.builds(
        Drawn,
        verb=st.sampled_from(verbs),
        strategy=st.sampled_from(["queued", "queued", "direct"]),
        state=st.sampled_from(["open", "open", "scheduled", "paused", "draft", "closed"]),
        has_merchant=st.booleans(),
        stock=st.integers(1, 6),
        admitted=st.integers(0, 7),
        stored=few,
        parked=few,
        revoked=few,
        to=st.integers(1, 9),
    )


def make_case(case: Drawn, open_campaign: CampaignMaker, draft: Callable[..., Campaign]) -> str:
    """Make the campaign that was drawn, and return its slug."""
    slug = f"drawn-{next(_numbers)}"
    merchant = Merchant.objects.get_or_create(slug="shop", name="Shop")[0]
    fields: dict[str, Any] = {
        "stock": case.stock, "strategy": case.strategy,
        "merchant": merchant if case.has_merchant else None,
    }  # fmt: skip
    if case.state in ("draft", "scheduled"):
        opens_at = timezone.now() + timedelta(hours=1)
        fields |= {"opens_at": opens_at, "closes_at": opens_at + timedelta(hours=1)}
    if case.state == "draft":
        draft(slug, **fields)
        return slug
    sale = open_campaign(slug, **fields)
    if case.state in ("open", "paused", "closed"):
        _admit(case, sale)
    if case.state == "open":
        Campaign.objects.filter(slug=slug).update(state="open")
    elif case.state in ("paused", "closed"):
        dry_runs.CAMPAIGN_VERBS["pause" if case.state == "paused" else "close"](slug, actor="mina")
    return slug


def _admit(case: Drawn, sale: CampaignSnapshot) -> None:
    for number in range(case.admitted):
        strategies.admit(sale, Claim(f"user-{number}"))
        if number + 1 == case.stored and case.strategy == "queued":
            drain.drain(sale.slug, consumer="test")
    if case.strategy == "queued" and case.parked:
        taken = store().queue.read_new(sale.slug, consumer="parking", count=case.parked)
        for entry in taken.entries:
            store().queue.park_entry(sale.slug, entry.id, "rejected")
    coupons = Coupon.objects.filter(campaign_id=sale.id).order_by("place")
    for coupon in coupons[: case.revoked]:
        coupon_life.revoke_coupon(pk=coupon.pk, actor=OPERATOR, reason="test", returns=True)


# What is stored


def stored_rows(slug: str) -> dict[str, list[dict[str, Any]]]:
    """Every row of the campaign but its history's, whole."""
    campaign = Campaign.objects.get(slug=slug)
    mine = {"campaign": campaign}
    querysets = {
        "campaign": Campaign.objects.filter(pk=campaign.pk),
        "tally": Tally.objects.filter(**mine),
        "slots": slots.slots_of(campaign),
        "coupons": Coupon.objects.filter(**mine),
        "lives": CouponLife.objects.filter(**mine),
        "returned": Returned.objects.filter(**mine),
        "given up": GivenUp.objects.filter(**mine),
    }
    return {name: list(rows.order_by("pk").values()) for name, rows in querysets.items()}


def stored_keys(slug: str) -> dict[bytes, Any]:
    """Every key of the campaign in Redis: a hash as its fields, another type byte for byte."""
    client = store().client
    found: dict[bytes, Any] = {}
    for key in client.scan_iter(match=f"*{slug}*"):
        if key.rpartition(b":")[2] not in _DECIDING:
            continue  # it ends by itself, or a thread counts in it
        kind: Any = client.type(key)
        found[key] = client.hgetall(key) if kind == b"hash" else client.dump(key)
    return found


def count_slots(slug: str) -> int:
    return Slot.objects.filter(pk__in=slots.slots_of(Campaign.objects.get(slug=slug))).count()


# Verbs


def make_job(slug: str, case: Drawn) -> Job:
    """A list of revocations, not started: some users twice, some unknown."""
    campaign = Campaign.objects.get(slug=slug)
    job = Job.objects.create(
        id=make_uuid7(), campaign=campaign, kind=Job.Kind.REVOCATIONS, actor_kind="operator",
        actor="mina", reason="test", lines=case.to, options={"returns": case.has_merchant},
    )  # fmt: skip
    for line in range(1, case.to + 1):
        JobLine.objects.create(job=job, line=line, data={"user": f"user-{line % 5}"})
    return job


def parked_ids(slug: str) -> list[str]:
    return [entry.id for entry in store().queue.parked_entries(slug)]


@dataclass(frozen=True, slots=True)
class Attempt:
    """A verb on a campaign: `forecast` by a dry run, `run` for good."""

    slug: str
    forecast: Callable[[], Forecast]
    run: Callable[[], Any]

    def effects(self) -> dict[str, Any]:
        """Run it, and return what it did, as `Forecast.effects`."""
        before, code = _counts(self.slug), ""
        try:
            done = self.run()
        except CouponError as refusal:
            done, code = 0, refusal.code
        after = _counts(self.slug)
        campaign = Campaign.objects.get(slug=self.slug)
        changed = {name: after[name] - before[name] for name in after}
        counts = done if isinstance(done, dict) else {"claims": done}
        return {
            "refusal_code": code, "state": campaign.state, "stock": campaign.stock,
            "merchants": int(changed["messages"] > 0), "coupons": 0, "claims": 0, "refused": 0,
            **changed, **(counts if not isinstance(done, Campaign) else {}),
        }  # fmt: skip


def _counts(slug: str) -> dict[str, int]:
    campaign = Campaign.objects.get(slug=slug)
    return {
        "events": campaign.events.count(),
        "messages": OutboxMessage.objects.count(),
        "slots": slots.count_slots(campaign),
    }


def attempt_of(slug: str, case: Drawn) -> Attempt:
    verb, actor = case.verb, "mina"
    if verb == "replay":
        return Attempt(
            slug,
            lambda: dry_runs.forecast_replay(slug, actor=actor),
            lambda: dead_letters.replay_parked(slug, actor=actor),
        )
    if verb == "give_up":
        ids = parked_ids(slug)[: case.to]
        return Attempt(
            slug,
            lambda: dry_runs.forecast_give_up(slug, ids, why="test", actor=actor),
            lambda: len([dead_letters.give_up(slug, id, why="test", actor=actor) for id in ids]),
        )
    if verb == "revoke":
        job = make_job(slug, case)
        return Attempt(slug, lambda: dry_runs.forecast_revocations(job), lambda: _run_job(job))
    options: dict[str, Any] = {}
    if verb == "stock":
        options = {"stock": case.to}
    elif verb == "reschedule":
        campaign = Campaign.objects.get(slug=slug)
        options = {
            "opens_at": campaign.opens_at, "closes_at": campaign.closes_at + timedelta(hours=1),
        }  # fmt: skip
    return Attempt(
        slug,
        lambda: dry_runs.forecast_verb(verb, slug, actor=actor, **options),
        lambda: dry_runs.CAMPAIGN_VERBS[verb](slug, actor=actor, **options),
    )


def _run_job(job: Job) -> dict[str, int]:
    while jobs.run_batch(job):
        pass
    counts = jobs.count_verdicts(job)
    return {"coupons": counts.get("revoked", 0), "refused": counts.get("refused", 0)}


def make_revocations(slug: str) -> Job:
    """A list that waits for an approval: of a direct campaign, four lines."""
    return make_job(slug, Drawn("revoke", "direct", "open", False, 6, 4, 0, 0, 0, 4))
