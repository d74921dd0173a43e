"""A sentence for the customer: what became of the attempts. In English and Korean."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils import translation
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from coupons.attempts.finding import FoundRefusals
from coupons.claims import timestamps
from coupons.claims.packed_refusals import Decider, Refusal
from coupons.models import CouponState

LANGUAGES = ("en", "ko")
# The refusal that a sentence tells of, if a user has several: the first of these that there is.
_TOLD_FIRST = (
    "sold_out", "not_eligible", "closed", "too_many_requests", "overloaded", "queue_full",
    "store_away", "store_error", "database_away", "closed_for_repair", "outcome_unknown",
    "key_missing", "other", "paused", "not_open",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class HeldPlace:
    """A user's place. `state` None: not stored yet. `is_parked`: it can't be stored by itself."""

    place: int
    state: CouponState | None
    is_parked: bool = False


@dataclass(frozen=True, slots=True)
class Story:
    """Of one user and campaign. `is_unknown`: whether the user holds a place could not be read.
    `sold_out_ms`: when a raised stock sold out last; `is_raised`: it was raised since. Neither
    is known to a process that asks no database."""

    name: str
    opens_ms: int
    closes_ms: int
    held: Sequence[HeldPlace]
    found: FoundRefusals
    is_unknown: bool = False
    sold_out_ms: int | None = None
    is_raised: bool = False


def customer_sentences(story: Story) -> dict[str, str]:
    """By language."""
    sentences = {}
    for language in LANGUAGES:
        with translation.override(language):
            sentences[language] = _sentence(story)
    return sentences


def _sentence(story: Story) -> str:
    if story.held:
        return " ".join(_held_sentence(story.name, one) for one in story.held)
    if story.is_unknown:
        return _("We can't say at the moment what became of your request. Please ask again soon.")
    told = told_refusal(story.found.refusals)
    return _never_sentence(story) if told is None else _refused_sentence(story, told)


def told_refusal(refusals: Sequence[Refusal]) -> Refusal | None:
    """The one that a sentence tells of."""
    by_outcome = {refusal.outcome: refusal for refusal in refusals}
    return next((by_outcome[name] for name in _TOLD_FIRST if name in by_outcome), None)


def _held_sentence(name: str, held: HeldPlace) -> str:
    values = {"name": name, "place": number_format(held.place, force_grouping=True)}
    if held.is_parked:
        text = _("You got place %(place)s of “%(name)s”, but your coupon could not be issued yet.")
        return text % values
    match held.state:
        case CouponState.REDEEMED:
            text = _("You had a coupon of “%(name)s” as number %(place)s. It has been used.")
        case CouponState.REVOKED:
            text = _("You had a coupon of “%(name)s” as number %(place)s. It was withdrawn.")
        case CouponState.EXPIRED:
            text = _("You had a coupon of “%(name)s” as number %(place)s. It has expired.")
        case _:
            text = _("You have a coupon of “%(name)s”: you were number %(place)s.")
    return text % values


def _never_sentence(story: Story) -> str:
    values = {"name": story.name, "made": _number(story.found.made)}
    if story.found.is_complete:
        return _("We have no request of yours for a coupon of “%(name)s”.") % values
    values["kept"] = _number(story.found.kept)
    return (
        _(
            "We find no request of yours for a coupon of “%(name)s”. But of %(made)s refusals "
            "only %(kept)s are kept, so there may have been one."
        )
        % values
    )


def _refused_sentence(story: Story, told: Refusal) -> str:
    values = {
        "name": story.name,
        "asked": exact_moment(told.last_ms),
        "opens": exact_moment(story.opens_ms),
        "closes": exact_moment(story.closes_ms),
    }
    parts = (_reason(told) % values, _margin(told), _repeats(told), _added_later(story, told))
    return " ".join(filter(None, parts))


def _reason(told: Refusal) -> str:
    match told.outcome:
        case "sold_out":
            return _("You asked for a coupon of “%(name)s” at %(asked)s, when all had gone.")
        case "not_eligible":
            return _(
                "You asked for a coupon of “%(name)s” at %(asked)s. This event was not open to "
                "you: the shop chooses for whom."
            )
        case "closed":
            return _(
                "You asked for a coupon of “%(name)s” at %(asked)s, after its end (%(closes)s)."
            )
        case "not_open":
            return _(
                "You asked for a coupon of “%(name)s” at %(asked)s, before it opened (%(opens)s). "
                "We know of no later request of yours."
            )
        case "paused":
            return _(
                "You asked for a coupon of “%(name)s” at %(asked)s, while it was paused. We know "
                "of no later request of yours that was decided."
            )
    if told.decider is Decider.LIMIT:
        return _(
            "You asked for a coupon of “%(name)s” too often within one second (%(asked)s), so "
            "that these requests were not decided."
        )
    if told.decider is Decider.LOAD:
        return _(
            "When you asked for a coupon of “%(name)s” (%(asked)s), too many people asked at once, "
            "and your request could not be taken. We know of no later one."
        )
    return _(
        "When you asked for a coupon of “%(name)s” (%(asked)s), our service was disturbed, and "
        "your request could not be decided. We know of no later one."
    )


def _margin(told: Refusal) -> str:
    """Of the newest attempt, as the user's page tells it."""
    if told.outcome != "sold_out" or told.late_last_ms is None:
        return ""
    values = _margin_values(told.last_ms, told.late_last_ms)
    return _("The last coupon had gone at %(last)s, %(late)s s before.") % values


def _margin_values(asked_ms: int, late_ms: int) -> dict[str, str]:
    late = number_format(Decimal(late_ms) / 1000, decimal_pos=3)
    return {"last": _time_of_day(asked_ms - late_ms), "late": late}


def _repeats(told: Refusal) -> str:
    if told.count == 1:
        return ""
    values = {"count": _number(told.count), "first": exact_moment(told.first_ms)}
    text = _("You asked %(count)s times, the first time at %(first)s.") % values
    if told.outcome != "sold_out" or told.late_first_ms is None:
        return text
    if told.first_ms - told.late_first_ms == told.last_place_ms:
        return text
    added = _(
        "That first time the last coupon had gone at %(last)s, %(late)s s before; coupons were "
        "added later."
    )
    return f"{text} {added % _margin_values(told.first_ms, told.late_first_ms)}"


def _added_later(story: Story, told: Refusal) -> str:
    """What came after this user's newest attempt."""
    if told.outcome != "sold_out" or told.last_place_ms is None:
        return ""
    if story.is_raised:
        return _("Coupons have been added since.")
    if story.sold_out_ms is not None and story.sold_out_ms > told.last_ms:
        values = {"last": exact_moment(story.sold_out_ms)}
        return _("Coupons were added after that; the last of them went at %(last)s.") % values
    return ""


def exact_moment(ms: int) -> str:
    return timestamps.local_text(timestamps.moment_of(ms))


def _time_of_day(ms: int) -> str:
    local = timestamps.local_time(timestamps.moment_of(ms))
    return f"{local:%H:%M:%S}.{ms % 1000:03}"


def _number(count: int) -> str:
    return number_format(count, force_grouping=True)
