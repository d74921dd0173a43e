"""Confirmations: an operator is asked before a change that is allowed, but seldom intended.

Callers without an operator pass `ALL`: everything is confirmed.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import Q
from django.utils.translation import gettext as _

from coupons.campaigns import deciding_clock
from coupons.database import availability
from coupons.errors import NeedsConfirmation
from coupons.models import Campaign

State = Campaign.State


class Question(StrEnum):
    OPENS_AT_ONCE = "opens_at_once"
    CLOSES_AT_ONCE = "closes_at_once"
    FREE_ORDERS = "free_orders"
    CAP_ALWAYS_REACHED = "cap_always_reached"
    WAITLIST_UNSERVED = "waitlist_unserved"


ALL: frozenset[str] = frozenset(question.value for question in Question)
Asked = tuple[Question, str]
JUST_NOW = timedelta(minutes=1)  # an opening at 12:00 scheduled at 12:00:20 is intended
_WAITLIST = ("waitlist_limit", "returns_to")
_TERMS = ("discount", "discount_value", "minimum_order", "discount_cap")


def ask_about_terms(draft: Campaign, confirmed: frozenset[str]) -> None:
    """Raises NeedsConfirmation about unusual terms and a waitlist that nobody serves, unless those
    of the saved draft are the same (they were confirmed then)."""
    stored = _saved_campaign(confirmed, Q(pk=draft.pk))
    asked: list[Asked] = []
    if _differ(stored, draft, _TERMS):
        asked += _questions_about_terms(draft)
    if draft.has_unserved_waitlist and _differ(stored, draft, _WAITLIST):
        asked.append((Question.WAITLIST_UNSERVED, unserved_text()))
    _raise_unconfirmed(iter(asked), confirmed)


def _differ(stored: Campaign | None, draft: Campaign, names: tuple[str, ...]) -> bool:
    return stored is None or any(getattr(stored, name) != getattr(draft, name) for name in names)


def unserved_text() -> str:
    return _(
        "No user on the waitlist will ever get a coupon: stock that comes back is not given to it. "
        "Choose the waitlist for stock that comes back, or a longest waitlist of 0."
    )


def ask_about_opening(slug: str, confirmed: frozenset[str]) -> None:
    """Raises NeedsConfirmation if a draft that is scheduled now would open at once."""
    row = _saved_campaign(confirmed, Q(slug=slug))
    if row is None or row.state != State.DRAFT:
        return
    now = deciding_clock.deciding_now(row.strategy)
    if now < row.closes_at:  # or it is refused
        _raise_unconfirmed(_questions_about_window(now, opens_at=row.opens_at), confirmed)


def ask_about_move(slug: str, window: tuple[datetime, datetime], confirmed: frozenset[str]) -> None:
    """Raises NeedsConfirmation if the new window would open or close the campaign at once."""
    row = _saved_campaign(confirmed, Q(slug=slug))
    if row is not None:
        opens_at, closes_at = window
        may_open = row.state == State.SCHEDULED and opens_at != row.opens_at
        questions = _questions_about_window(
            deciding_clock.deciding_now(row.strategy),
            opens_at=opens_at if may_open else None,
            closes_at=closes_at if closes_at != row.closes_at else None,
        )
        _raise_unconfirmed(questions, confirmed)


def _saved_campaign(confirmed: frozenset[str], condition: Q) -> Campaign | None:
    """The saved campaign; None if there is none or if everything is confirmed."""
    if confirmed >= ALL:
        return None
    with availability.require_database():
        return Campaign.objects.filter(condition).first()


def _raise_unconfirmed(questions: Iterator[Asked], confirmed: frozenset[str]) -> None:
    unconfirmed = {
        question.value: text for question, text in questions if question not in confirmed
    }
    if unconfirmed:
        raise NeedsConfirmation(unconfirmed)


def _questions_about_terms(campaign: Campaign) -> Iterator[Asked]:
    value, minimum, cap = campaign.discount_value, campaign.minimum_order, campaign.discount_cap
    if campaign.discount == Campaign.Discount.AMOUNT:
        if value > minimum:
            text = _(
                "The fixed discount is more than the minimum order: small orders will cost nothing."
            )
            yield Question.FREE_ORDERS, text
    elif value == 100 and cap is None:
        yield (
            Question.FREE_ORDERS,
            _("100 percent without a largest discount: every order will cost nothing."),
        )
    elif cap is not None and cap < minimum * value / 100:
        text = _(
            "The largest discount is less than the percentage of the minimum order: every order "
            "will get the same amount."
        )
        yield Question.CAP_ALWAYS_REACHED, text


def _questions_about_window(
    now: datetime, *, opens_at: datetime | None, closes_at: datetime | None = None
) -> Iterator[Asked]:
    """Questions about moments in the past. None: this moment is not being set."""
    if closes_at is not None and closes_at <= now:
        text = _("The closing lies in the past: the campaign will close at once, for good.")
        yield Question.CLOSES_AT_ONCE, text
    elif opens_at is not None and opens_at <= now - JUST_NOW:
        text = _("The opening lies in the past: the campaign will open at once.")
        yield Question.OPENS_AT_ONCE, text
