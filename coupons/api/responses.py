"""Maps results of the domain to HTTP responses: statuses, headers and bodies."""

from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson
from django.http import HttpResponse
from django.urls import reverse

from coupons.api import problems
from coupons.api.plain_response import PlainResponse, plain_headers, set_plain_header
from coupons.campaigns.live_counts import Live
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims import coupon_codes
from coupons.claims.timestamps import iso_of as iso
from coupons.claims.timestamps import milliseconds_of
from coupons.claims.values import Admission, Claim, Outcome
from coupons.issuing.claim_status import ClaimStatus, Status
from coupons.issuing.receipt_status import ReceiptStatus
from coupons.models import Campaign, Coupon
from coupons.proof.published import PublishedProof
from coupons.redemption import states
from coupons.redemption.lifecycle import Result

OUTCOME_HEADER = "Coupon-Outcome"

# status, title, sentence
REFUSALS: dict[Outcome, tuple[int, str, str]] = {
    Outcome.SOLD_OUT: (409, "Sold out", "All coupons of this campaign have been given away."),
    Outcome.NOT_OPEN: (409, "Not open yet", "This campaign has not opened yet."),
    Outcome.CLOSED: (410, "Closed", "This campaign is over."),
    Outcome.PAUSED: (503, "Paused", "This campaign is paused. Please try again."),
    Outcome.NOT_ELIGIBLE: (403, "Not eligible", "This campaign is not for this user."),
}
PAUSED_RETRY_S = 5
# Problem documents that are encoded so far, without their end.
_BEGINNINGS = {
    outcome: problems.encoded_problem(status, outcome.value, title, detail).removesuffix(b"}")
    for outcome, (status, title, detail) in REFUSALS.items()
}


_HEADERS = {
    outcome: plain_headers(
        Coupon_Outcome=outcome.value,
        Content_Type=problems.MEDIA_TYPE if outcome in REFUSALS else "application/json",
    )
    for outcome in Outcome
}
_CLOSED_HEADERS = plain_headers(Content_Type=problems.MEDIA_TYPE, Coupon_Outcome="closed")


def of_admission(campaign: CampaignSnapshot, claim: Claim, admission: Admission) -> HttpResponse:
    if admission.holds_a_place:
        body = admission_body(campaign, claim.user, claim.nth, admission.place, admission.at_ms)
        status = status_of(campaign, admission)
        return PlainResponse(orjson.dumps(body), status, _HEADERS[admission.outcome])
    return _refusal(campaign, admission)


def status_of(campaign: CampaignSnapshot, admission: Admission) -> int:
    """The HTTP status of this decision."""
    if admission.outcome is Outcome.ALREADY_CLAIMED:
        return 200
    if not admission.holds_a_place:
        return REFUSALS[admission.outcome][0]
    return 202 if campaign.strategy == Campaign.Strategy.QUEUED else 201


def admission_body(
    campaign: CampaignSnapshot, user: str, nth: int, place: int, admitted_ms: int
) -> dict[str, Any]:
    """The body for a user with a place: the same in every response to this claim."""
    return {
        "campaign": campaign.slug,
        "nth": nth,
        "place": place,
        "code": coupon_codes.grouped_code(campaign.code_of(user=user, nth=nth, place=place)),
        "receipt": campaign.receipt_of(user=user, nth=nth, place=place, admitted_ms=admitted_ms),
        "admitted_at": iso(admitted_ms),
        "expires_at": iso(campaign.expires_ms(admitted_ms)),
        "status_url": status_url(campaign, nth),
    }


def status_url(campaign: CampaignSnapshot, nth: int) -> str:
    url = _status_url(campaign.slug)
    return url if nth == 1 else f"{url}?nth={nth}"


@lru_cache(maxsize=10_000)  # campaigns
def _status_url(slug: str) -> str:
    return reverse("claim-status", args=[slug])


def _refusal(campaign: CampaignSnapshot, admission: Admission) -> HttpResponse:
    outcome = admission.outcome
    more: dict[str, Any] = {}
    if outcome is Outcome.SOLD_OUT:
        return _sold_out(admission)
    if outcome is Outcome.NOT_OPEN:
        return _not_open(campaign, admission)
    if outcome is Outcome.CLOSED:
        return PlainResponse(_BEGINNINGS[outcome] + b"}", REFUSALS[outcome][0], _CLOSED_HEADERS)
    if outcome is Outcome.PAUSED:
        more = {"retry_after_s": problems.jittered_wait_s(PAUSED_RETRY_S)}
    status, title, detail = REFUSALS[outcome]
    response = problems.problem_response(status, outcome.value, title, detail, **more)
    response[OUTCOME_HEADER] = outcome.value
    return response


# The refusals of nearly everybody: only their moments differ, so the rest is encoded once.


def _not_open(campaign: CampaignSnapshot, admission: Admission) -> HttpResponse:
    """By the opening of the store that decided: this process may know of a moved one a second
    later."""
    opens_ms = campaign.opens_ms if admission.opens_ms is None else admission.opens_ms
    wait_s = max(1, -(-(opens_ms - admission.at_ms) // 1000))
    response = _dated_refusal(
        Outcome.NOT_OPEN,
        b'"opens_at":"%b","retry_after_s":%d,"answered_at":"%b"'
        % (iso(opens_ms).encode(), wait_s, iso(admission.at_ms).encode()),
    )
    set_plain_header(response, "Retry-After", str(wait_s))
    return response


def _sold_out(admission: Admission) -> HttpResponse:
    last_ms = admission.last_place_ms
    last_place_at = b"null" if last_ms is None else b'"%b"' % iso(last_ms).encode()
    return _dated_refusal(
        Outcome.SOLD_OUT,
        b'"answered_at":"%b","last_place_at":%b' % (iso(admission.at_ms).encode(), last_place_at),
    )


def _dated_refusal(outcome: Outcome, members: bytes) -> HttpResponse:
    return PlainResponse(
        b"%b,%b}" % (_BEGINNINGS[outcome], members), REFUSALS[outcome][0], _HEADERS[outcome]
    )


def coupon_body(row: Coupon, campaign: CampaignSnapshot) -> dict[str, Any]:
    """A stored coupon, for its owner."""
    return {
        "campaign": campaign.slug,
        "name": campaign.name,
        "nth": row.nth,
        "place": row.place,
        "code": coupon_codes.grouped_code(row.code),
        "terms": campaign.terms,
        "admitted_at": iso(milliseconds_of(row.admitted_at)),
        "stored_at": iso(milliseconds_of(row.stored_at)),
        "expires_at": iso(milliseconds_of(row.expires_at)),
        **_life_members(row),
    }


def _life_members(row: Coupon) -> dict[str, Any]:
    """What the coupon's later life has made of it, by the database's clock: `now`, with which it
    was read."""
    life = states.life_of(row)
    now: datetime = row.now  # type: ignore[attr-defined] # annotated by `claim_status`
    return {
        "state": life.state_at(now).value,
        "usable_until": iso(milliseconds_of(life.end)),
    }


def given_back_body(result: Result) -> dict[str, Any]:
    """A coupon that its owner has given back."""
    return {
        "campaign": result.terms.slug,
        "place": result.life.place,
        "code": coupon_codes.grouped_code(result.code),
        "state": result.life.state_at(result.now).value,
    }


def of_standing(campaign: CampaignSnapshot, claim: Claim, standing: ClaimStatus) -> dict[str, Any]:
    if standing.status is Status.NONE:
        return {"status": standing.status}
    body = admission_body(campaign, claim.user, claim.nth, standing.place, standing.admitted_ms)
    if standing.coupon is not None:
        body["stored_at"] = iso(milliseconds_of(standing.coupon.stored_at))
        body |= _life_members(standing.coupon)
    return {"status": standing.status, **body}


def of_receipt(finding: ReceiptStatus | None, user: str) -> dict[str, Any]:
    """The result of verifying a receipt. Never its user nor the coupon's code: the holder of
    another user's receipt learns no more than the receipt contains."""
    if finding is None:
        return {"genuine": False}
    receipt = finding.receipt
    body: dict[str, Any] = {
        "genuine": True,
        "campaign": receipt.campaign,
        "nth": receipt.nth,
        "place": receipt.place,
        "admitted_at": iso(receipt.admitted_ms),
        "yours": receipt.user == user,
        "status": finding.fate,
    }
    if finding.coupon is not None:
        body["stored_at"] = iso(milliseconds_of(finding.coupon.stored_at))
    return body


def of_campaign(
    campaign: CampaignSnapshot, live: Live, proof: PublishedProof | None
) -> dict[str, Any]:
    return {
        "campaign": campaign.slug,
        "name": campaign.name,
        "state": live.state,
        "stock": campaign.stock,
        "remaining": live.remaining,
        "per_user": campaign.per_user,
        "opens_at": iso(campaign.opens_ms),
        "closes_at": iso(campaign.closes_ms),
        "terms": campaign.terms,
        "server_time": iso(live.now_ms),
        "proof": None if proof is None else _proof_body(proof),
    }


def _proof_body(proof: PublishedProof) -> dict[str, Any]:
    return {
        "root": proof.root,
        "size": proof.size,
        "coupons": proof.coupons,
        "closed_at": iso(milliseconds_of(proof.closed_at)),
        "proved_at": iso(milliseconds_of(proof.proved_at)),
    }
