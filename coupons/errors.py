"""Everything that can go wrong, once: a stable code, an HTTP status, and whether to try again.

Outcomes such as "sold out" are not here: they are answers (`coupons.claims.values.Outcome`).
"""

from typing import ClassVar


class CouponError(Exception):
    """Base of all failures. `str(error)` is a sentence a person can act on."""

    code: ClassVar[str] = "failure"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "The request failed"
    retry_after_s: ClassVar[int | None] = None

    def extra(self) -> dict[str, object]:
        """Members added to the problem document."""
        return {}


# A dependency is away: nothing was decided, asking again is safe


class DependencyAway(CouponError):
    status = 503
    retry_after_s = 2
    dependency: ClassVar[str] = ""

    def extra(self) -> dict[str, object]:
        return {"dependency": self.dependency}


class StoreFailure(DependencyAway):
    """Redis, which decides, gave no usable answer."""

    dependency = "redis"


class StoreAway(StoreFailure):
    """Redis did not answer in time or refused to serve: no call would fare better now."""

    code = "store_away"
    title = "The admission service is temporarily unavailable"


class StoreError(StoreFailure):
    """Redis is up and answered this call with an error, or holds something that can't be parsed.
    The cause is in the keys that were asked for (a wrong type, damaged contents), so calls about
    other campaigns are not affected."""

    code = "store_error"
    title = "The data of this campaign can't be read"
    retry_after_s = 5


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
    """Another Redis decides now, or the same one after a restart, and nobody has yet found out
    whether it knows all that was decided. Nothing was sent to it."""

    retry_after_s = 1


class StaleClaims(NotInstalled):
    """Claims taken from the queue before the campaign was rebuilt: their places may have been
    given again since. The queue as it is now has the last word."""


class QueueFull(DependencyAway):
    """Too many admitted claims wait to be stored; no place was taken."""

    code = "queue_full"
    title = "Too many claims are waiting"
    dependency = "database"


class OutcomeUnknown(DependencyAway):
    """A decision was made but not confirmed by the replicas asked for; asking again is safe."""

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


class LengthRequired(CouponError):
    code = "length_required"
    status = 411
    title = "The body's length is needed"


class UnknownCampaign(CouponError):
    code = "unknown_campaign"
    status = 404
    title = "There is no such campaign"


class UnknownCoupon(CouponError):
    """Absent and somebody else's alike, so that codes can't be probed."""

    code = "unknown_coupon"
    status = 404
    title = "There is no such coupon"


class TooManyRequests(CouponError):
    code = "too_many_requests"
    status = 429
    title = "Too many requests"
    retry_after_s = 1


# An operator asked for something that must not be done


class Refused(CouponError):
    """An operator's wish that would break a promise; the sentence says which."""

    code = "refused"
    status = 409
    title = "The change was refused"


class IllegalTransition(Refused):
    code = "illegal_transition"


class NeedsConfirmation(Refused):
    """Allowed, and seldom meant. `questions`: from the code of each to its sentence; done once all
    of them are confirmed."""

    code = "needs_confirmation"

    def __init__(self, questions: dict[str, str]) -> None:
        super().__init__(" ".join(questions.values()))
        self.questions = questions


class StockBelowAdmitted(Refused):
    code = "stock_below_admitted"


class Unfinished(Refused):
    """A change of many steps, cut short in the middle: doing it again goes on from there."""

    code = "unfinished"


class ForeignKeys(Refused):
    """Redis holds keys under this slug that this database's campaign never wrote."""

    code = "foreign_keys"


class Overtaken(Refused):
    """A repair was begun after ours, or Redis lost its memory again: ours opened nothing."""

    code = "overtaken"


# A fault of ours


class MissingKey(LookupError):
    """This process was not given the key with which a campaign signs. No client can do anything
    about it: a 500, and a traceback in the log."""
