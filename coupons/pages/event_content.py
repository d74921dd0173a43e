"""What an event page shows: the campaign, its state, and the answer to this visitor."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from coupons.api import responses
from coupons.campaigns import announced, lookup
from coupons.campaigns.live_document import LiveDocument
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims import coupon_codes, timestamps
from coupons.claims.timestamps import iso_of
from coupons.claims.values import Admission, Claim, Outcome
from coupons.errors import BadToken, CouponError, NoToken
from coupons.identity.user_tokens import Caller
from coupons.issuing import claim_status
from coupons.issuing.claim_status import Status
from coupons.pages.terms_text import terms_sentences, worth_sentence

EVENTS_A_PAGE = 20


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server has told this visitor. `token`: verified, empty without a login. `place`:
    nth, place, code and receipt of the visitor's coupon."""

    token: str = ""
    place: dict[str, Any] | None = None
    refusal: Admission | None = None
    failure: CouponError | None = None
    status: int = 200


def failure_of(error: CouponError, token: str = "") -> Answer:
    return Answer(token=token, failure=error, status=error.status)


def standing_of(slug: str, caller: Caller, token: str) -> Answer:
    """The user's place, or none yet. A store that is away does not keep the page from this user:
    the button asks again."""
    try:
        campaign = lookup.find_public(slug)
        claim = Claim(caller.user)
        found = claim_status.claim_status(campaign, claim)
    except CouponError:
        return Answer(token=token)
    if found.status is Status.NONE:
        return Answer(token=token)
    return Answer(token=token, place=_place(campaign, claim, found.place, found.admitted_ms))


def answer_of(campaign: CampaignSnapshot, claim: Claim, admission: Admission, token: str) -> Answer:
    """The page's answer to a claim of the plain form, with the API's status."""
    status = responses.status_of(campaign, admission)
    if admission.holds_a_place:
        place = _place(campaign, claim, admission.place, admission.at_ms)
        return Answer(token=token, place=place, status=status)
    return Answer(token=token, refusal=admission, status=status)


def _place(campaign: CampaignSnapshot, claim: Claim, place: int, ms: int) -> dict[str, Any]:
    code = campaign.code_of(user=claim.user, nth=claim.nth, place=place)
    return {
        "nth": claim.nth,
        "place": place,
        "code": coupon_codes.grouped_code(code),
        "receipt": campaign.receipt_of(user=claim.user, nth=claim.nth, place=place, admitted_ms=ms),
    }


def page_content(campaign: CampaignSnapshot, live: LiveDocument, answer: Answer) -> dict[str, Any]:
    """The variables of `pages/event.html`."""
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
        "next_nth": _next_nth(campaign, answer),
        "message": _message(answer),
        "margin": _margin(answer),
        "api": settings.PAGES_API_URL,
        "login_url": login,
    }


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
    if answer.place is None:
        return 1
    nth = int(answer.place["nth"]) + 1
    return nth if nth <= campaign.per_user else 0


def _message(answer: Answer) -> str:
    """The refusal or failure as a sentence; empty: there is none."""
    if answer.refusal is not None:
        return str(_REFUSALS[answer.refusal.outcome]())
    if isinstance(answer.failure, NoToken | BadToken):
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


_REFUSALS = {
    Outcome.SOLD_OUT: lambda: _("All coupons are gone. You were not among the first."),
    Outcome.NOT_OPEN: lambda: _("Not open yet. Please press the button again when it is time."),
    Outcome.CLOSED: lambda: _("This event is over."),
    Outcome.PAUSED: lambda: _("The event is paused. Please press the button again in a moment."),
    Outcome.NOT_ELIGIBLE: lambda: _("This event is not open to you: the shop chooses for whom."),
}
