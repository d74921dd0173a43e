"""All failures, each with a stable code, an HTTP status, and whether to retry (`retry_after_s`).

Outcomes such as "sold out" are no failures (`coupons.claims.values.Outcome`).
"""

from typing import ClassVar


class CouponError(Exception):
    """Base of all failures. `str(error)` is a sentence that the reader can act on."""

    code: ClassVar[str] = "failure"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "The request failed"
    retry_after_s: ClassVar[int | None] = None

    def extra(self) -> dict[str, object]:
        """Members to add to the problem document (RFC 9457)."""
        return {}


# A dependency is away: nothing was decided, a retry is safe


class DependencyAway(CouponError):
    status = 503
    retry_after_s = 2
    dependency: ClassVar[str] = ""

    def extra(self) -> dict[str, object]:
        return {"dependency": self.dependency}


class StoreFailure(DependencyAway):
    """The deciding Redis gave no usable reply."""

    dependency = "redis"


class StoreAway(StoreFailure):
    """Redis did not reply in time or refused to serve: any other call would fail as well now."""

    code = "store_away"
    title = "The admission service is temporarily unavailable"


class StoreError(StoreFailure):
    """Redis replied to this call with an error, or with data that can't be parsed. The cause is in
    the keys of the call (a wrong type, damaged contents), so calls about other campaigns are not
    affected."""

    code = "store_error"
    title = "The data of this campaign can't be read"
    retry_after_s = 5


class WrongLayout(StoreError):
    """Redis holds this campaign in a layout that this release does not read (`store.layouts`):
    another release is installed, or `manage.py upgrade_redis` has not run. Nothing is decided."""


class DatabaseAway(DependencyAway):
    code = "database_away"
    title = "The database does not answer"
    dependency = "database"


class NotInstalled(DependencyAway):
    """The campaign's keys are missing from Redis: closed for repair, never 'nothing issued yet'."""

    code = "closed_for_repair"
    title = "The campaign is being repaired"
    dependency = "redis"
    retry_after_s = 5


class ServerChanged(NotInstalled):
    """Redis was restarted or failed over, and it has not been verified yet that the server has all
    decisions. No command of the call was sent to it."""

    retry_after_s = 1


class StaleClaims(NotInstalled):
    """Claims read from the queue before the campaign was rebuilt (an old epoch): their places may
    have been given again since. The queue must be read again."""


class QueueFull(DependencyAway):
    """Back-pressure: too many admitted claims wait to be stored; no place was taken."""

    code = "queue_full"
    title = "Too many claims are waiting"
    dependency = "database"


class OutcomeUnknown(DependencyAway):
    """A decision was made, but not confirmed by REDIS_WAIT_REPLICAS replicas; a retry is safe."""

    code = "outcome_unknown"
    title = "The decision could not be confirmed"
    dependency = "redis"


# The request is wrong


class BadInput(CouponError):
    code = "bad_input"
    status = 400
    title = "The request is not understood"

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field, self.why = field, why

    def extra(self) -> dict[str, object]:
        return {"errors": [{"field": self.field, "why": self.why}]}


class BadFields(BadInput):
    """Several fields are wrong; the text is about the first. `faults`: (field, why)."""

    def __init__(self, faults: list[tuple[str, str]]) -> None:
        super().__init__(*faults[0])
        self._faults = faults

    def extra(self) -> dict[str, object]:
        return {"errors": [{"field": field, "why": why} for field, why in self._faults]}


class NoToken(CouponError):
    code = "no_token"
    status = 401
    title = "A user token is needed"


class BadToken(CouponError):
    code = "bad_token"
    status = 401
    title = "The user token is not valid"


class BodyTooLarge(CouponError):
    code = "body_too_large"
    status = 413
    title = "The body is too large"


class MediaTypeRefused(CouponError):
    code = "unsupported_media_type"
    status = 415
    title = "This media type is not understood"


class LengthRequired(CouponError):
    code = "length_required"
    status = 411
    title = "The body's length is needed"


class UnknownCampaign(CouponError):
    code = "unknown_campaign"
    status = 404
    title = "There is no such campaign"

    def __init__(self, text: str = "There is no campaign of this name.") -> None:
        """One text without the name: clients that guess names all get the same document."""
        super().__init__(text)


class UnknownCoupon(CouponError):
    """Also raised for another user's coupon, so that codes can't be probed."""

    code = "unknown_coupon"
    status = 404
    title = "There is no such coupon"


class UnknownWebhook(CouponError):
    """Also raised for another merchant's endpoint."""

    code = "unknown_webhook"
    status = 404
    title = "There is no such webhook endpoint"


class TooManyRequests(CouponError):
    code = "too_many_requests"
    status = 429
    title = "Too many requests"
    retry_after_s = 1


# A merchant's backend asks for something


class BadKey(CouponError):
    """Absent, unknown, expired or revoked alike: a guesser learns nothing."""

    code = "bad_key"
    status = 401
    title = "A valid API key is needed"


class ScopeMissing(CouponError):
    code = "scope_missing"
    status = 403
    title = "This key may not do that"


class IdempotencyKeyMissing(CouponError):
    code = "idempotency_key_missing"
    status = 400
    title = "An Idempotency-Key is needed"


class IdempotencyKeyReused(CouponError):
    """The same key came with another request before."""

    code = "idempotency_key_reused"
    status = 422
    title = "The Idempotency-Key was used for another request"


class IdempotencyInFlight(CouponError):
    """The first request with this key has not ended yet."""

    code = "idempotency_in_flight"
    status = 409
    title = "The first request with this Idempotency-Key is still running"
    retry_after_s = 1


class CouponConflict(CouponError):
    """A step that the coupon's state does not allow. `state` is what it reads as."""

    status = 409

    def __init__(self, text: str, **more: object) -> None:
        super().__init__(text)
        self._more = more

    def extra(self) -> dict[str, object]:
        return self._more


class CouponHeld(CouponConflict):
    code = "coupon_held"
    title = "Another order holds the coupon"


class CouponRedeemed(CouponConflict):
    code = "coupon_redeemed"
    title = "The coupon is redeemed"


class IllegalStep(CouponConflict):
    code = "illegal_transition"
    title = "The coupon's state does not allow that"


class StockGivenOn(CouponConflict):
    code = "stock_given_on"
    title = "The coupon's unit of stock was given to another user"


class WaitlistFull(CouponConflict):
    code = "waitlist_full"
    title = "The waitlist is full"


class NoWaitlist(CouponConflict):
    code = "no_waitlist"
    title = "This campaign has no waitlist"


class NotSoldOut(CouponConflict):
    code = "not_sold_out"
    title = "There are coupons left"


class HasPlace(CouponConflict):
    code = "already_claimed"
    title = "You have a coupon of this campaign"


class NotWaiting(CouponError):
    code = "not_waiting"
    status = 404
    title = "You are not on the waitlist"


class NoOffer(CouponConflict):
    code = "no_offer"
    title = "There is no offer to accept"


class UnknownJob(CouponError):
    code = "unknown_job"
    status = 404
    title = "There is no such job"


class NotProvedYet(CouponConflict):
    """Also while the campaign is open."""

    code = "not_proved_yet"
    title = "The campaign's root is not published yet"


class NotInProof(CouponConflict):
    code = "not_in_proof"
    title = "The coupon is not in the campaign's tree"


class ProofDiffers(CouponConflict):
    code = "proof_differs"
    title = "The stored coupons differ from the published root"


class CouponExpired(CouponConflict):
    code = "coupon_expired"
    status = 410
    title = "The coupon has expired"


class CouponRevoked(CouponConflict):
    code = "coupon_revoked"
    status = 410
    title = "The coupon was revoked"


class TooLateToCancel(CouponConflict):
    code = "too_late_to_cancel"
    status = 410
    title = "It is too late to cancel the redemption"


class VersionChanged(CouponConflict):
    code = "version_changed"
    status = 412
    title = "It was changed meanwhile"


class IfMatchMissing(CouponError):
    code = "if_match_missing"
    status = 428
    title = "An If-Match header is needed"


class TermsNotMet(CouponConflict):
    """`reasons`: all of them, each with its numbers."""

    code = "terms_not_met"
    status = 422
    title = "The order does not meet the coupon's terms"


class DiscountDiffers(CouponConflict):
    """The shop expected another discount than the terms give."""

    code = "discount_differs"
    status = 422
    title = "The discount differs from the expected one"


class NotStoredYet(DependencyAway):
    """A well-formed code that may belong to a claim which waits to be stored: not unknown yet."""

    code = "not_stored_yet"
    title = "The coupon is not stored yet"
    dependency = "database"
    retry_after_s = 1


class Busy(DependencyAway):
    """Another transaction has locked the row for too long."""

    code = "busy"
    title = "The coupon is being changed by another request"
    dependency = "database"
    retry_after_s = 1


# An operator asked for something that must not be done


class Refused(CouponError):
    """A change by an operator that would violate an invariant; the text says which."""

    code = "refused"
    status = 409
    title = "The change was refused"


class IllegalTransition(Refused):
    code = "illegal_transition"


class OpeningPassed(IllegalTransition):
    """The opening can't be moved any more: it has been."""


class NeedsConfirmation(Refused):
    """A change that is allowed, but seldom intended: it needs a confirmation of each question.
    `questions` maps codes to texts."""

    code = "needs_confirmation"

    def __init__(self, questions: dict[str, str]) -> None:
        super().__init__(" ".join(questions.values()))
        self.questions = questions

    def extra(self) -> dict[str, object]:
        return {"questions": self.questions}


class SlotsUnfinished(DependencyAway):
    """A request's time is over before all slots of a large stock are made: send it again."""

    code = "slots_unfinished"
    title = "The stock is still being made"
    dependency = "database"
    retry_after_s = 1


class StockBelowAdmitted(Refused):
    code = "stock_below_admitted"


class Unfinished(Refused):
    """A change of many steps that was interrupted: making it again continues it."""

    code = "unfinished"


class ForeignKeys(Refused):
    """Redis holds keys under this slug that were not written for this database's campaign."""

    code = "foreign_keys"


class Overtaken(Refused):
    """A later repair was begun, or Redis lost its data again: this repair opened nothing."""

    code = "overtaken"


# A fault of the server's configuration


class MissingKey(CouponError):
    """This process lacks the master key of a campaign or of a webhook (COUPON_KEYS). Nothing was
    decided; it concerns what uses that key, no other campaign. `check --tag stores` reports it
    before a deployment replaces the settings."""

    code = "key_missing"
    status = 503
    title = "A key of this campaign is missing on the server"
    retry_after_s = 5


def title_of_code(code: str) -> str:
    """The title of the error with this code, in English; the code, if there is none."""
    kinds = [CouponError]
    while kinds:
        kind = kinds.pop()
        if kind.code == code:
            return kind.title
        kinds += kind.__subclasses__()
    return code
