"""Every `code` of a problem document: what causes it, and what a client should do.

Status and title come from the classes that are raised (`coupons.errors`) and from the refusals of a
claim.
"""

from collections.abc import Iterator
from typing import NamedTuple

from coupons import errors
from coupons.api import problems
from coupons.api.responses import REFUSALS

MOMENT, LATER = "2026-12-01T03:00:00.000Z", "2026-12-01T03:00:01.694Z"
LAST = "2026-12-01T03:00:01.284Z"

# Code, cause, what to do.
_ROWS = [
    # The request
    ("bad_input", "A field, a parameter or the body is wrong: `errors` names it.", "Correct it."),
    ("length_required", "The body came in chunks.", "Send a Content-Length."),
    ("body_too_large", "The body has more bytes than are allowed.", "Send less."),
    ("unsupported_media_type", "The Content-Type is another one, or the body is encoded.",
                               "Send `application/json`, not compressed."),
    ("method_not_allowed", "The path has no such method.", "`Allow` names those it has."),
    ("not_found", "There is no such path.", "Correct the address."),
    # Who asks
    ("no_token", "There is no `Authorization: Bearer TOKEN`.", "Let the user log in."),
    ("bad_token", "The token is malformed, expired, of another issuer or wrongly signed.",
                  "Fetch a new one, once; then let the user log in again."),
    ("bad_key", "The key is absent, unknown, expired or revoked.", "Ask us for a key."),
    ("scope_missing", "The key lacks the scope that `detail` names.", "Ask for that scope."),
    ("too_many_requests", "Too many requests within a second.", "Wait for `Retry-After`."),
    # Claims
    ("sold_out", "All coupons are given away: `last_place_at` is when the last one went, and "
                 "`answered_at` when you were answered.", "Show it; offer the waitlist."),
    ("not_open", "`answered_at` is before `opens_at`.", "Ask again at `opens_at`."),
    ("closed", "The campaign is over.", "Show it. Asking again changes nothing."),
    ("paused", "The campaign is paused.", "Ask again after `Retry-After`."),
    ("not_eligible", "The token's `segments` lack the campaign's audience.", "Show it."),
    ("unknown_campaign", "There is none of this name, or it is not announced yet.", "Show it."),
    # Coupons
    ("unknown_coupon", "There is none with this code, or it is another user's.", "Show it."),
    ("coupon_held", "An order holds it until `held_until`.", "Ask again then."),
    ("coupon_redeemed", "It has been redeemed.", "Show it."),
    ("coupon_expired", "Its time is over (`end`).", "Show it."),
    ("coupon_revoked", "It was revoked or given back.", "Show it."),
    ("illegal_transition", "Its state does not allow this step.", "Read it again."),
    ("terms_not_met", "The order does not meet the terms: `reasons` has all of them.",
                      "Show the customer what is missing."),
    ("discount_differs", "The terms give another discount than you expected.",
                         "Quote again, and show the customer the new amount."),
    ("stock_given_on", "Its unit of stock was given to another user.", "It can't be undone."),
    ("too_late_to_cancel", "A redemption can be cancelled for 90 days.", "Refund by yourself."),
    ("not_stored_yet", "A claim with this code may still wait to be stored.",
                       "Ask again after `Retry-After`."),
    ("busy", "Another request is changing the same row.", "Ask again after `Retry-After`."),
    ("not_proved_yet", "The campaign's root is published some minutes after it has closed.",
                       "Ask again later."),
    ("not_in_proof", "The coupon was stored after the root had been published.", "Show it."),
    ("proof_differs", "The stored coupons are not those that were published.", "Tell us."),
    # The waitlist
    ("no_waitlist", "This campaign has none.", "Offer none."),
    ("not_sold_out", "There are coupons left.", "Claim one."),
    ("waitlist_full", "No more users may wait.", "Show it."),
    ("already_claimed", "The user has a coupon of this campaign.", "Show that coupon."),
    ("not_waiting", "The user is not on the waitlist.", "Offer to join it."),
    ("no_offer", "There is no offer, or its time is over.", "Show the place on the waitlist."),
    # What shops' backends change
    ("idempotency_key_missing", "This request needs an `Idempotency-Key`.", "Send one."),
    ("idempotency_key_reused", "The key came with another request before.", "Send a new key."),
    ("idempotency_in_flight", "The first request with this key still runs.",
                              "Send it again after `Retry-After`."),
    ("if_match_missing", "This change needs an `If-Match`.", "Send the ETag that you read."),
    ("version_changed", "It was changed since you read it.", "Read it again, then decide."),
    ("refused", "The change would break a rule that `detail` names.", "Change the request."),
    ("needs_confirmation", "It is allowed, but seldom meant: see `questions`.",
                           "Ask a person, then confirm."),
    ("stock_below_admitted", "So many coupons were given already.", "Choose a higher stock."),
    ("foreign_keys", "Redis holds another campaign's data.", "Tell us."),
    ("unfinished", "A longer change was interrupted.", "Send it again: it goes on."),
    ("unknown_webhook", "You have no such endpoint.", "List yours."),
    ("unknown_job", "You have no such job.", "Correct the id."),
    ("slots_unfinished", "A large stock is still being made.", "Send it again: it goes on."),
    # We can't
    ("store_away", "The store that decides does not answer. Nothing was decided.",
                   "Ask again after `Retry-After`: asking again is safe."),
    ("store_error", "The campaign's data can't be read.", "Ask again after `Retry-After`."),
    ("database_away", "The database does not answer.", "Ask again after `Retry-After`."),
    ("key_missing", "This server lacks the key of the campaign's codes and receipts.",
                    "Ask again after `Retry-After`."),
    ("closed_for_repair", "The campaign is being repaired.", "Ask again after `Retry-After`."),
    ("queue_full", "Too many claims wait to be stored; no place was taken.",
                   "Ask again after `Retry-After`."),
    ("outcome_unknown", "The decision was not confirmed in time. A place may have been given.",
                        "Ask again: the answer will be the same place."),
    ("overloaded", "Too many requests at once.", "Ask again after `Retry-After`."),
]  # fmt: skip
EXPLAINED = {code: (cause, remedy) for code, cause, remedy in _ROWS}

# Members of the example of a code, beside the usual ones.
_MORE: dict[str, dict[str, object]] = {
    "sold_out": {"answered_at": LATER, "last_place_at": LAST},
    "not_open": {"opens_at": MOMENT, "retry_after_s": 5, "answered_at": "2026-12-01T02:59:55.120Z"},
    "bad_input": {"errors": [{"field": "nth", "why": "must be a whole number from 1 to 1"}]},
    "store_away": {"dependency": "redis"},
    "database_away": {"dependency": "database"},
    "closed_for_repair": {"dependency": "redis"},
    "coupon_held": {"state": "held", "held_until": MOMENT},
}


class Known(NamedTuple):
    """A problem as the description shows it."""

    code: str
    status: int
    title: str
    cause: str
    remedy: str

    def example(self) -> dict[str, object]:
        more = _MORE.get(self.code, {})
        return problems.problem_document(self.status, self.code, self.title, "", **more)


def known_problems() -> dict[str, Known]:
    """By code. Raises KeyError for a code that nobody explains."""
    return {
        code: Known(code, status, title, *EXPLAINED[code])
        for code, (status, title) in _statuses().items()
        if code in EXPLAINED
    }


def _statuses() -> dict[str, tuple[int, str]]:
    found = {kind.code: (kind.status, kind.title) for kind in _kinds(errors.CouponError)}
    found |= {code: (status, title) for status, (code, title) in problems.CODES.items()}
    found |= {outcome.value: (status, title) for outcome, (status, title, _) in REFUSALS.items()}
    return found | {"overloaded": (503, "Too many requests at once")}


def _kinds(kind: type[errors.CouponError]) -> Iterator[type[errors.CouponError]]:
    for each in kind.__subclasses__():
        yield from _kinds(each)
        yield each
