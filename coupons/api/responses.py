"""From what the domain says to what the client reads. The table of DESIGN 7, in code."""

from functools import lru_cache
from typing import Any

import orjson
from django.http import HttpResponse
from django.urls import reverse

from coupons.api import problems
from coupons.campaigns.live_counts import Live
from coupons.campaigns.snapshot import Facts
from coupons.claims import coupon_codes
from coupons.claims.values import Admission, Claim, Outcome
from coupons.issuing.claim_status import Standing, Status
from coupons.issuing.receipt_status import Finding
from coupons.models import Campaign, Coupon
from coupons.timestamps import iso_of as iso
from coupons.timestamps import milliseconds

OUTCOME_HEADER = "Coupon-Outcome"

# status, title, sentence
_REFUSALS: dict[Outcome, tuple[int, str, str]] = {
    Outcome.SOLD_OUT: (409, "Sold out", "All coupons of this campaign have been given away."),
    Outcome.NOT_OPEN: (409, "Not open yet", "This campaign has not opened yet."),
    Outcome.CLOSED: (410, "Closed", "This campaign is over."),
    Outcome.PAUSED: (503, "Paused", "This campaign is paused. Please try again."),
    Outcome.NOT_ELIGIBLE: (403, "Not eligible", "This campaign is not for this user."),
}
PAUSED_RETRY_S = 5


def of_admission(facts: Facts, claim: Claim, admission: Admission) -> HttpResponse:
    if admission.holds_a_place:
        body = held(facts, claim.user, claim.nth, admission.place, admission.at_ms)
        return HttpResponse(
            orjson.dumps(body),
            status=_status(facts, admission.outcome),
            content_type="application/json",
            headers={OUTCOME_HEADER: admission.outcome.value},
        )
    return _refusal(facts, admission)


def _status(facts: Facts, outcome: Outcome) -> int:
    if outcome is Outcome.ALREADY_CLAIMED:
        return 200
    return 202 if facts.strategy == Campaign.Strategy.QUEUED else 201


def held(facts: Facts, user: str, nth: int, place: int, admitted_ms: int) -> dict[str, Any]:
    """What a user with a place is told: the same, whenever and however often they ask."""
    return {
        "campaign": facts.slug,
        "nth": nth,
        "place": place,
        "code": coupon_codes.grouped(facts.code_of(user=user, nth=nth, place=place)),
        "receipt": facts.receipt_of(user=user, nth=nth, place=place, admitted_ms=admitted_ms),
        "admitted_at": iso(admitted_ms),
        "expires_at": iso(facts.expires_ms(admitted_ms)),
        "status_url": status_url(facts, nth),
    }


def status_url(facts: Facts, nth: int) -> str:
    url = _status_url(facts.slug)
    return url if nth == 1 else f"{url}?nth={nth}"


@lru_cache(maxsize=10_000)  # campaigns
def _status_url(slug: str) -> str:
    return reverse("claim-status", args=[slug])


def _refusal(facts: Facts, admission: Admission) -> HttpResponse:
    outcome = admission.outcome
    more: dict[str, Any] = {}
    if outcome is Outcome.NOT_OPEN:
        wait_ms = facts.opens_ms - admission.at_ms
        more = {"opens_at": iso(facts.opens_ms), "retry_after_s": max(1, -(-wait_ms // 1000))}
    elif outcome is Outcome.PAUSED:
        more = {"retry_after_s": problems.spread(PAUSED_RETRY_S)}
    status, title, detail = _REFUSALS[outcome]
    response = problems.answer(status, outcome.value, title, detail, **more)
    response[OUTCOME_HEADER] = outcome.value
    return response


def coupon(row: Coupon, facts: Facts) -> dict[str, Any]:
    """A stored coupon, as its owner sees it."""
    return {
        "campaign": facts.slug,
        "name": facts.name,
        "nth": row.nth,
        "place": row.place,
        "code": coupon_codes.grouped(row.code),
        "terms": facts.terms,
        "admitted_at": iso(milliseconds(row.admitted_at)),
        "stored_at": iso(milliseconds(row.stored_at)),
        "expires_at": iso(milliseconds(row.expires_at)),
    }


def of_standing(facts: Facts, claim: Claim, standing: Standing) -> dict[str, Any]:
    if standing.status is Status.NONE:
        return {"status": standing.status}
    said = held(facts, claim.user, claim.nth, standing.place, standing.admitted_ms)
    if standing.coupon is not None:
        said["stored_at"] = iso(milliseconds(standing.coupon.stored_at))
    return {"status": standing.status, **said}


def of_receipt(finding: Finding | None, user: str) -> dict[str, Any]:
    """Never whose it is, nor the code: who holds somebody's receipt learns no more than it says."""
    if finding is None:
        return {"genuine": False}
    receipt = finding.receipt
    said: dict[str, Any] = {
        "genuine": True,
        "campaign": receipt.campaign,
        "nth": receipt.nth,
        "place": receipt.place,
        "admitted_at": iso(receipt.admitted_ms),
        "yours": receipt.user == user,
        "status": finding.fate,
    }
    if finding.coupon is not None:
        said["stored_at"] = iso(milliseconds(finding.coupon.stored_at))
    return said


def of_campaign(facts: Facts, live: Live) -> dict[str, Any]:
    return {
        "campaign": facts.slug,
        "name": facts.name,
        "state": live.state,
        "stock": facts.stock,
        "remaining": live.remaining,
        "per_user": facts.per_user,
        "opens_at": iso(facts.opens_ms),
        "closes_at": iso(facts.closes_ms),
        "terms": facts.terms,
        "server_time": iso(live.now_ms),
    }
