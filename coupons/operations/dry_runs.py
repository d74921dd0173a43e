"""Dry runs: each runs a verb's own code in a transaction that is rolled back, with Redis read-only
(`coupons.dry_run`), and returns its forecast.

A campaign's row is locked for the time of the verb's statements, as by the verb. What is counted
besides is read before that, along indexes: by numbers that Redis or the tally keeps, and by the
lives of a campaign's coupons of one state.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from coupons import dry_run
from coupons.bulk import jobs
from coupons.campaigns import lifecycle, slots
from coupons.campaigns.definition import Conditions
from coupons.claims.timestamps import milliseconds_of
from coupons.database import availability, clock
from coupons.errors import CouponError, DependencyAway, UnknownCampaign
from coupons.issuing import dead_letters
from coupons.models import (
    Campaign,
    CouponLife,
    CouponState,
    GivenUp,
    Job,
    JobLine,
    Tally,
    WaitlistEntry,
    WaitlistState,
)
from coupons.operations.forecast import Forecast
from coupons.store import store
from coupons.webhooks import routing
from coupons.webhooks.events import REVOKED as REVOKED_TYPE

TRIED_S = 2.0  # for the lines of a list
TRIED_AT_ONCE = 20  # lines whose rows one rolled-back transaction locks
_REHEARSAL = Conditions(is_rehearsal=True)
Run = Callable[[], Any]
CAMPAIGN_VERBS: dict[str, Callable[..., Campaign]] = {
    "schedule": lifecycle.schedule_campaign,
    "open": lifecycle.open_now,
    "pause": lifecycle.pause_campaign,
    "resume": lifecycle.resume_campaign,
    "close": lifecycle.close_campaign,
    "stock": lifecycle.change_stock,
    "reschedule": lifecycle.reschedule,
}
_MAKES_SLOTS = ("schedule", "stock")


def forecast_verb(verb: str, slug: str, *, actor: str, **options: Any) -> Forecast:
    """What this verb of `CAMPAIGN_VERBS` would do now; `options` as it takes them. A refusal is
    part of the forecast. Raises UnknownCampaign, StoreAway, DatabaseAway."""

    def run() -> Campaign:
        return CAMPAIGN_VERBS[verb](slug, actor=actor, conditions=_REHEARSAL, **options)

    now, after = _dry(figures_now(verb, slug), run)
    if after is None:
        return now
    if verb == "reschedule":
        now = _with_window(now, after)
    made = after.stock - _highest_slot(slug) if verb in _MAKES_SLOTS else 0
    return replace(now, state=after.state, stock=after.stock, slots=made)


def _with_window(now: Forecast, after: Campaign) -> Forecast:
    """With the window before and after. The run's transaction has been rolled back."""
    with availability.require_database():
        before = Campaign.objects.get(slug=now.slug)
    return replace(
        now,
        opened_ms=milliseconds_of(before.opens_at), closed_ms=milliseconds_of(before.closes_at),
        opens_ms=milliseconds_of(after.opens_at), closes_ms=milliseconds_of(after.closes_at),
    )  # fmt: skip


def forecast_replay(slug: str, *, actor: str, ids: Sequence[str] = ()) -> Forecast:
    """What putting these parked claims back on the queue would do; all of them, if none is named.
    Reads each of them."""
    now, count = _dry(
        figures_now("replay", slug), lambda: dead_letters.replay_parked(slug, actor=actor, ids=ids)
    )
    return now if count is None else replace(now, claims=count)


def forecast_give_up(slug: str, ids: Sequence[str], *, why: str, actor: str) -> Forecast:
    """What giving up these parked claims would do."""

    def run() -> int:
        for entry_id in ids:
            dead_letters.give_up(slug, entry_id, why=why, actor=actor)
        return len(ids)

    now, count = _dry(figures_now("give_up", slug), run)
    return now if count is None else replace(now, claims=count)


def forecast_revocations(job: Job) -> Forecast:
    """What a list of revocations would do: its lines are tried for `TRIED_S` at most."""
    forecast = replace(figures_now("revoke", job.campaign.slug), lines=job.lines)
    end_s, done, revoked = time.monotonic() + TRIED_S, 0, set[str]()
    counts = dry_run.Noted()
    with dry_run.dry_run():
        for lines in _batches(job):
            if time.monotonic() >= end_s:
                break
            verdicts = _try_lines(job, lines)
            done += len(lines)
            for verdict, detail in verdicts:
                coupon = detail.get("coupon", "")
                if verdict == "revoked" and coupon not in revoked:
                    revoked.add(coupon)
                elif verdict == "refused":
                    counts["refused"] += 1
    merchant = job.campaign.merchant_id
    is_told = merchant is not None
    told = [(merchant, REVOKED_TYPE)] if merchant is not None and revoked else []
    return replace(
        forecast, coupons=len(revoked), refused=counts["refused"], tried=done,
        messages=len(revoked) if is_told else 0, merchants=int(is_told and bool(revoked)),
        hearing=len(routing.hearing_merchants(told)),
        state=job.campaign.state, stock=job.campaign.stock,
    )  # fmt: skip


def try_first_lines(job: Job, most: int) -> list[JobLine]:
    """The first lines of a list that was not started, with the verdicts that they would get; as
    many as can be tried in `TRIED_S`, `most` at most. Nothing is written."""
    end_s, tried = time.monotonic() + TRIED_S, list[JobLine]()
    with dry_run.dry_run():
        for lines in _batches(job):
            if len(tried) >= most or time.monotonic() >= end_s:
                break
            for line, (verdict, detail) in zip(lines, _try_lines(job, lines), strict=True):
                line.verdict, line.detail = verdict, detail
                tried.append(line)
    return tried[:most]


def _batches(job: Job) -> Any:
    last = 0
    while True:
        with availability.require_database():
            rows = JobLine.objects.filter(job=job, line__gt=last).order_by("line")
            lines = list(rows[:TRIED_AT_ONCE])
        if not lines:
            return
        yield lines
        last = lines[-1].line


def _try_lines(job: Job, lines: Sequence[JobLine]) -> list[tuple[str, dict[str, Any]]]:
    with availability.require_database(), transaction.atomic():
        verdicts = [jobs.revoke_line(job, line.data) for line in lines]
        transaction.set_rollback(True)
    return verdicts


def _dry(now: Forecast, run: Run) -> tuple[Forecast, Any]:
    """The forecast with what was noted, and the run's result; with the refusal, and None."""
    try:
        with dry_run.dry_run() as noted, availability.require_database(), transaction.atomic():
            result = run()
            transaction.set_rollback(True)
    except DependencyAway as away:
        if away.code in ("store_away", "database_away"):
            raise
        return replace(now, refusal=str(away) or away.title, refusal_code=away.code), None
    except CouponError as refusal:
        return replace(now, refusal=str(refusal), refusal_code=refusal.code), None
    except ValidationError as refusal:
        return replace(now, refusal=" ".join(refusal.messages), refusal_code="invalid"), None
    merchants = sum(1 for name in noted if name.startswith("merchant "))
    counted = replace(
        now, events=noted["events"], messages=noted["messages"], merchants=merchants,
        hearing=_hearing(noted),
    )  # fmt: skip
    return counted, result


def _hearing(noted: dry_run.Noted) -> int:
    """How many of the merchants who would be told hear of it."""
    told = [name.split() for name in noted if name.startswith("message ")]
    return len(routing.hearing_merchants((int(merchant), type) for _, merchant, type in told))


def figures_now(verb: str, slug: str) -> Forecast:
    """The forecast with what can be counted now. Raises UnknownCampaign, StoreAway."""
    with availability.require_database():
        campaign = Campaign.objects.filter(slug=slug).first()
        if campaign is None:
            raise UnknownCampaign(f"There is no campaign {slug!r}.")
        given, waiting, parked = _counts(campaign)
        ahead = campaign.opens_at - clock.read_now()
        lives = CouponLife.objects.filter(campaign=campaign)
        revoked = lives.filter(state=CouponState.REVOKED).count()
        held = lives.filter(state=CouponState.HELD, hold_until__gt=clock.Now()).count()
        given_up = GivenUp.objects.filter(campaign=campaign).count()
        on_waitlist = waiting_users(campaign)
    return Forecast(
        verb=verb, slug=slug, state=campaign.state, stock=campaign.stock,
        holders=max(0, given - parked - revoked - given_up), in_checkout=held, waiting=waiting,
        parked=parked, remaining=max(0, campaign.stock - given), stock_now=campaign.stock,
        early_ms=max(0, int(1000 * ahead.total_seconds())), on_waitlist=on_waitlist,
        unserved=campaign.has_unserved_waitlist,
    )  # fmt: skip


def waiting_users(campaign: Campaign) -> int:
    """How many are on its waitlist, as MySQL knows."""
    if not campaign.waitlist_limit:
        return 0
    active = (WaitlistState.WAITING, WaitlistState.OFFERED)
    return WaitlistEntry.objects.filter(campaign=campaign, state__in=active).count()


def _counts(campaign: Campaign) -> tuple[int, int, int]:
    """Places given, claims waiting, claims parked."""
    if campaign.state == Campaign.State.DRAFT:
        return 0, 0, 0
    if campaign.strategy == Campaign.Strategy.DIRECT:
        return Tally.objects.get(campaign=campaign).stored, 0, 0
    gate = store().campaigns.gates([campaign.slug]).result(campaign.slug)
    return (gate.admitted, gate.waiting, gate.parked) if gate else (0, 0, 0)


def _highest_slot(slug: str) -> int:
    with availability.require_database():
        return slots.highest_slot(Campaign.objects.get(slug=slug))
