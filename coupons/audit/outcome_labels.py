"""What became of a claim, in words: the same on the live page, in "why not?" and in the report."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from coupons.claims.values import Outcome

# Of each outcome and failure, in the order in which pages list them.
OUTCOMES: dict[str, Promise] = {
    Outcome.ADMITTED: gettext_lazy("admitted"),
    Outcome.ALREADY_CLAIMED: gettext_lazy("already has one"),
    Outcome.SOLD_OUT: gettext_lazy("sold out"),
    Outcome.NOT_OPEN: gettext_lazy("not open yet"),
    Outcome.CLOSED: gettext_lazy("closed"),
    Outcome.PAUSED: gettext_lazy("paused"),
    Outcome.NOT_ELIGIBLE: gettext_lazy("not eligible"),
    "too_many_requests": gettext_lazy("over a user's limit"),
    "overloaded": gettext_lazy("we were full"),
    "queue_full": gettext_lazy("too many were waiting"),
    "closed_for_repair": gettext_lazy("closed for repair"),
    "store_away": gettext_lazy("Redis did not answer"),
    "store_error": gettext_lazy("Redis' data can't be read"),
    "database_away": gettext_lazy("the database did not answer"),
    "outcome_unknown": gettext_lazy("not confirmed by a replica"),
    "key_missing": gettext_lazy("a key is missing"),
}


def outcome_label(word: str) -> str:
    """Of an outcome or of the code of a failure; unchanged if this release does not know it."""
    return str(OUTCOMES.get(word, word))
