"""The proof report of a closed campaign: all its figures as one JSON value, and what is wrong.

Aggregates by SQL, and one pass over the coupons (`report_scan`). Nothing is changed. Moments are
milliseconds since the Unix epoch: admissions by the deciding clock, rows by the database's.
"""

from collections.abc import Callable
from typing import Any

from django.db.models import Count, Max, Min
from django.utils.translation import gettext as _

from coupons.campaigns.sold_out import last_sold_out, ms_after_opening
from coupons.claims.timestamps import milliseconds_of
from coupons.database import availability, clock
from coupons.errors import IllegalTransition, StoreFailure
from coupons.models import Campaign, CampaignProof, Coupon, GivenUp, Tally
from coupons.proof import check, report_counts, report_demand, report_incidents
from coupons.proof.build import base64_of
from coupons.proof.report_scan import BINS, Found, Scan, percentile_ms, scan_coupons, span_between
from coupons.store import Gate, store

VERSION = 1
Figures = dict[str, Any]
Tell = Callable[[int, int], None]  # places read, of how many


def compute_report(campaign: Campaign, *, tell: Tell = lambda done, of: None) -> Figures:
    """The report, see coupons/proof/README.md for its members. Raises IllegalTransition (not
    closed), DatabaseAway, MissingKey. What Redis does not know any more is not checked."""
    if campaign.state != Campaign.State.CLOSED:
        raise IllegalTransition(_("{} is not closed.").format(campaign.slug))
    gate = _read_gate(campaign)
    sums = _aggregates(campaign)
    with availability.require_database():
        tally = Tally.objects.get(campaign=campaign)
        proof = CampaignProof.objects.filter(campaign=campaign, root__isnull=False).first()
        computed_ms = clock.now_ms()
    admitted = gate.admitted if gate else max(tally.highest, sums["in_stock"])
    last = max(admitted, sums["in_stock"])
    span = span_between(*_shown_time(campaign, sums))
    scan = scan_coupons(
        campaign,
        last=last,
        span=span,
        ask_redis=gate is not None,
        tell=lambda done: tell(done, last),
    )
    counts = report_counts.count_stock(campaign, gate, tally, admitted=admitted, scan=scan)
    return {
        "version": VERSION,
        "campaign": _definition(campaign),
        "computed_ms": computed_ms,
        "counts": counts,
        "findings": _findings(campaign, scan, sums, proof)
        | {"counts": report_counts.find_wrong_counts(counts)},
        "times": _times(campaign, scan, sums),
        "curve": {
            "begin_ms": span.begin_ms, "step_ms": span.step_ms,
            "admitted": scan.admitted, "stored": scan.stored,
        },
        "demand": report_demand.demand_figures(campaign),
        "incidents": report_incidents.list_incidents(campaign),
        "root": None if proof is None else _root(proof),
    }  # fmt: skip


def faults_of(figures: Figures) -> list[str]:
    """The names of the checks that have found something; empty: the report is clean."""
    return [name for name, found in figures["findings"].items() if found["count"]]


def _read_gate(campaign: Campaign) -> Gate | None:
    """None: a direct campaign, or Redis has it no more or is away."""
    if campaign.strategy != Campaign.Strategy.QUEUED:
        return None
    try:
        gate = store().campaigns.gates([campaign.slug]).result(campaign.slug)
    except StoreFailure:
        return None
    return gate if gate is not None and gate.epoch == campaign.epoch else None


def _aggregates(campaign: Campaign) -> dict[str, Any]:
    own = Coupon.objects.filter(campaign_id=campaign.pk)
    with availability.require_database():
        sums = own.aggregate(
            coupons=Count("place"), first=Min("admitted_at"), last=Max("admitted_at"),
            stored=Max("stored_at"),
        )  # fmt: skip
        beyond = own.filter(place__gt=campaign.stock)
        in_stock = own.filter(place__lte=campaign.stock).aggregate(place=Max("place"))["place"]
        beyond_places = list(beyond.order_by("place").values_list("place", flat=True)[:20])
        return sums | {
            "beyond": Found(beyond.count(), beyond_places),
            "in_stock": in_stock or 0,
        }


def _shown_time(campaign: Campaign, sums: dict[str, Any]) -> tuple[int, int]:
    """From the opening until all was stored."""
    begin_ms = milliseconds_of(campaign.opens_at)
    moments = [milliseconds_of(sums[name]) for name in ("last", "stored") if sums[name]]
    return begin_ms, max([begin_ms + BINS, *moments])


def _definition(campaign: Campaign) -> Figures:
    return {
        "slug": campaign.slug,
        "name": campaign.name,
        "strategy": campaign.strategy,
        "per_user": campaign.per_user,
        "opens_ms": milliseconds_of(campaign.opens_at),
        "closes_ms": milliseconds_of(campaign.closes_at),
    }


def _findings(
    campaign: Campaign, scan: Scan, sums: dict[str, Any], proof: CampaignProof | None
) -> Figures:
    """By check: how many places, the first of them, and whether it could be checked."""
    misplaced = sums["coupons"] - scan.coupons - sums["beyond"].count
    scan.twice.count += max(0, misplaced)
    return {
        "beyond_stock": _finding(sums["beyond"]),
        "same_user": _finding(scan.same_user),
        "place_twice": _finding(scan.twice),
        "holes": _finding(_unexplained(campaign, scan.holes)),
        "inversions": _finding(scan.inversions),
        "not_told": _finding(scan.not_told),
        "receipts": _receipts(scan, proof),
    }


def _finding(found: Found | None) -> Figures:
    is_checked = found is not None
    found = found or Found()
    return {"count": found.count, "places": found.places, "is_checked": is_checked}


def _unexplained(campaign: Campaign, holes: Found) -> Found:
    """Without the places of claims that an operator gave up."""
    with availability.require_database():
        rows = GivenUp.objects.filter(campaign=campaign, place__gt=0)
        given_up = set(rows.values_list("place", flat=True))
        has_coupon = Coupon.objects.filter(campaign_id=campaign.pk, place__in=given_up)
        given_up -= set(has_coupon.values_list("place", flat=True))
    places = [place for place in holes.places if place not in given_up]
    return Found(max(0, holes.count - len(given_up)), places)


def _receipts(scan: Scan, proof: CampaignProof | None) -> Figures:
    """Blocks of places whose receipts are not those published, or a root that was replaced."""
    if proof is None or scan.changed is None:
        return {"count": 0, "places": [], "is_checked": False}
    places = sum(end - begin + 1 for begin, end in scan.changed)
    count = places or (0 if check.is_published_root(proof) else proof.size)
    ranges = check.ranges_text(scan.changed[:20])
    return {"count": count, "places": [], "ranges": ranges, "is_checked": True}


def _times(campaign: Campaign, scan: Scan, sums: dict[str, Any]) -> Figures:
    """Milliseconds after the opening; `sold_out_again_ms`: the last time, if that was not the
    first. `storing`: from a claim's admission to its row."""
    moments = {name: sums[name] and milliseconds_of(sums[name]) for name in ("last", "stored")}
    sold_out, again = campaign.sold_out_at, last_sold_out(campaign)
    return {
        "sold_out_ms": sold_out and ms_after_opening(campaign, milliseconds_of(sold_out)),
        "sold_out_again_ms": again and ms_after_opening(campaign, milliseconds_of(again)),
        "last_admitted_ms": moments["last"] and ms_after_opening(campaign, moments["last"]),
        "all_stored_ms": moments["stored"] and ms_after_opening(campaign, moments["stored"]),
        "storing": {
            f"p{percent}": percentile_ms(scan.lags_ms, percent) for percent in (50, 95, 99, 100)
        },
    }


def _root(proof: CampaignProof) -> Figures:
    return {
        "root": base64_of(bytes(proof.root or b"")),
        "places": proof.size,
        "coupons": proof.coupons,
        "proved_ms": proof.proved_at and milliseconds_of(proof.proved_at),
    }
