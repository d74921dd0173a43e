"""What an event page shows: the campaign, its state, and the answer to this visitor."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coupons.api import responses
from coupons.attempts.attempts_of_user import find_my_refusals
from coupons.campaigns import announced, lookup
from coupons.campaigns.live_document import LiveDocument
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.campaigns.terms_text import terms_sentences, worth_sentence
from coupons.claims import coupon_codes, timestamps
from coupons.claims.timestamps import iso_of
from coupons.claims.values import Admission, Claim, Outcome
from coupons.errors import BadInput, BadToken, BodyTooLarge, CouponError, NoToken
from coupons.identity.user_tokens import Caller
from coupons.issuing import claim_status
from coupons.issuing.claim_status import Status
from coupons.models import Coupon, CouponState
from coupons.proof import published
from coupons.redemption import states

EVENTS_A_PAGE = 20
MOST_SHOWN = 20  # coupons of one visitor


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server has told this visitor. `token`: verified, empty without a login. `places`:
    nth, place, code, receipt and end of each of the visitor's coupons, and `dead`, a sentence, of
    one that can't be used any more."""

    token: str = ""
    places: Sequence[dict[str, Any]] = ()
    refusal: Admission | None = None
    failure: CouponError | None = None
    status: int = 200
    is_recalled: bool = False  # the refusal is of an earlier request


def failure_of(error: CouponError, token: str = "") -> Answer:
    return Answer(token=token, failure=error, status=error.status)


def standing_of(slug: str, caller: Caller, token: str) -> Answer:
    """The user's coupons, or an earlier refusal, or none yet; none as well while the store that
    knows is away: the button asks again."""
    try:
        campaign = lookup.find_shown(slug)
        places = _places_of(campaign, caller.user)
        refusal = None if places else _recalled_refusal(campaign, caller.user)
        return Answer(token=token, places=places, refusal=refusal, is_recalled=True)
    except CouponError:
        return Answer(token=token)


def _recalled_refusal(campaign: CampaignSnapshot, user: str) -> Admission | None:
    """The last answer "sold out" to this user. Raises DatabaseAway."""
    for refusal in find_my_refusals(campaign, user).refusals:
        if refusal.outcome == Outcome.SOLD_OUT:
            return Admission(Outcome.SOLD_OUT, 0, refusal.last_ms, refusal.last_place_ms)
    return None


def answer_of(campaign: CampaignSnapshot, claim: Claim, admission: Admission, token: str) -> Answer:
    """The page's answer to a claim of the plain form, with the API's status."""
    status = responses.status_of(campaign, admission)
    refusal = None if admission.holds_a_place else admission
    try:
        places = _places_of(campaign, claim.user)
    except CouponError:  # decided all the same
        places = []
    if admission.holds_a_place and all(place["nth"] != claim.nth for place in places):
        places.append(_place(campaign, claim, admission.place, admission.at_ms))
    return Answer(token=token, places=places, refusal=refusal, status=status)


def _places_of(campaign: CampaignSnapshot, user: str) -> list[dict[str, Any]]:
    """Raises StoreFailure, NotInstalled, DatabaseAway."""
    places = []
    for nth in range(1, min(campaign.per_user, MOST_SHOWN) + 1):
        claim = Claim(user, nth)
        found = claim_status.claim_status(campaign, claim)
        if found.status is not Status.NONE:
            place = _place(campaign, claim, found.place, found.admitted_ms)
            place |= _end_of(found.coupon)
            places.append(place | {"dead": _dead_text(found.coupon)})
    return places


def _end_of(coupon: Coupon | None) -> dict[str, Any]:
    """The end of a stored coupon, which may have been moved; empty: as its campaign says."""
    return {} if coupon is None else {"usable_until": states.life_of(coupon).end}


def _dead_text(coupon: Coupon | None) -> str:
    """Why the coupon can't be used any more; empty: it can, or is not stored yet."""
    if coupon is None:
        return ""
    now: datetime = coupon.now  # type: ignore[attr-defined] # annotated by `claim_status`
    text = _DEAD.get(states.life_of(coupon).state_at(now))
    return str(text) if text else ""


def _place(campaign: CampaignSnapshot, claim: Claim, place: int, ms: int) -> dict[str, Any]:
    code = campaign.code_of(user=claim.user, nth=claim.nth, place=place)
    return {
        "nth": claim.nth,
        "place": place,
        "code": coupon_codes.grouped_code(code),
        "receipt": campaign.receipt_of(user=claim.user, nth=claim.nth, place=place, admitted_ms=ms),
        "usable_until": timestamps.moment_of(campaign.expires_ms(ms)),
    }


def page_content(campaign: CampaignSnapshot, live: LiveDocument, answer: Answer) -> dict[str, Any]:
    """The variables of `pages/event.html`."""
    if answer.is_recalled and live.state not in ("closed", "sold_out"):
        answer = replace(answer, refusal=None)  # there is stock again
    next_nth = _next_nth(campaign, answer)
    login = settings.SHOP_LOGIN_URL.replace("{campaign}", campaign.slug)
    return {
        "campaign": campaign,
        "live": live,
        "opens": timestamps.moment_of(campaign.opens_ms),
        "closes": timestamps.moment_of(campaign.closes_ms),
        "opens_iso": iso_of(campaign.opens_ms),
        "closes_iso": iso_of(campaign.closes_ms),
        "terms": terms_sentences(campaign),
        "remaining": number_format(live.remaining, force_grouping=True),
        "stock": number_format(live.stock, force_grouping=True),
        "answer": answer,
        "can_use": any(not place.get("dead") for place in answer.places),
        "next_nth": next_nth,
        "can_claim": next_nth and live.state not in ("closed", "sold_out"),
        "message": _message(answer),
        "margin": _margin(answer),
        "api": settings.PAGES_API_URL,
        "login_url": login,
        "proof": published.find_published(campaign.id) if live.state == "closed" else None,
    }


def proof_content(campaign: CampaignSnapshot) -> dict[str, Any]:
    """The variables of `pages/proof.html`."""
    return {"campaign": campaign, "proof": published.find_published(campaign.id)}


def list_content(cursor: str) -> dict[str, Any]:
    """The variables of `pages/events.html`. Raises BadInput, DatabaseAway."""
    page = announced.list_announced(cursor, EVENTS_A_PAGE)
    events = [
        {
            "slug": listed.slug,
            "name": listed.name,
            "state": listed.state,
            "worth": worth_sentence(listed.terms),
            "opens": timestamps.moment_of(listed.opens_ms),
            "opens_iso": iso_of(listed.opens_ms),
        }
        for listed in page.results
    ]
    return {"events": events, "next": page.next, "previous": page.previous}


def _next_nth(campaign: CampaignSnapshot, answer: Answer) -> int:
    """Which coupon the form asks for; 0: this user has all."""
    held = {int(place["nth"]) for place in answer.places}
    return next((nth for nth in range(1, campaign.per_user + 1) if nth not in held), 0)


def _message(answer: Answer) -> str:
    """The refusal or failure as a sentence; empty: there is none."""
    if answer.refusal is not None:
        return str(_REFUSALS[answer.refusal.outcome]())
    if isinstance(answer.failure, NoToken):
        return _("To take part, please log in at the shop.")
    if isinstance(answer.failure, BadInput | BodyTooLarge):
        return _("This form is not of this page. Please load the page again.")
    if isinstance(answer.failure, BadToken):
        return _("Your login has expired. Please log in at the shop again.")
    if answer.failure is not None:
        return _("That did not work yet. Nothing is lost: please press the button again.")
    return ""


def _margin(answer: Answer) -> str:
    """By how much this user came too late; empty: that is not known, or not the reason."""
    refusal = answer.refusal
    if refusal is None or refusal.last_place_ms is None:
        return ""
    late_ms = max(0, refusal.at_ms - refusal.last_place_ms)
    return _(
        "The last coupon went at %(last)s; you were answered at %(answered)s: %(late)s s later."
    ) % {
        "last": _time_of_day(refusal.last_place_ms),
        "answered": _time_of_day(refusal.at_ms),
        "late": number_format(Decimal(late_ms) / 1000, decimal_pos=2),
    }


def _time_of_day(ms: int) -> str:
    local = timestamps.local_time(timestamps.moment_of(ms))
    return f"{local:%H:%M:%S}.{ms % 1000:03}"


_DEAD = {
    CouponState.REDEEMED: gettext_lazy("This coupon has been used."),
    CouponState.REVOKED: gettext_lazy("This coupon was withdrawn."),
    CouponState.EXPIRED: gettext_lazy("This coupon has expired."),
}
_REFUSALS = {
    Outcome.SOLD_OUT: lambda: _("All coupons are gone. You were not among the first."),
    Outcome.NOT_OPEN: lambda: _("Not open yet. Please press the button again when it is time."),
    Outcome.CLOSED: lambda: _("This event is over."),
    Outcome.PAUSED: lambda: _("The event is paused. Please press the button again in a moment."),
    Outcome.NOT_ELIGIBLE: lambda: _("This event is not open to you: the shop chooses for whom."),
}
