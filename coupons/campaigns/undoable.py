"""Write down what may be undone for a while, in the transaction that does it. `coupons.operations`
undoes it."""

from typing import Any

from coupons.database import clock
from coupons.models import Campaign, EventKind, Undoable, UndoableVerb
from coupons.models.operations import MAX_NAME
from coupons.store import store


def record_undoable(campaign: Campaign, verb: UndoableVerb, actor: str, **data: Any) -> None:
    """`data`: JSON values; see `UndoableVerb` for their names."""
    Undoable.objects.create(
        campaign=campaign, verb=verb, actor=actor[:MAX_NAME], at=clock.read_now(), data=data
    )


def record_raise(campaign: Campaign, stock: int, actor: str) -> None:
    """A raise of the stock to this; nothing if it is none. The caller holds the row lock.
    `changes`: how often the stock was set before; `last_ms`: when its last place was given."""
    if stock <= campaign.stock:
        return
    record_undoable(
        campaign,
        UndoableVerb.STOCK,
        actor,
        before=campaign.stock,
        after=stock,
        changes=count_stock_changes(campaign),
        last_ms=_last_place(campaign),
    )


def count_stock_changes(campaign: Campaign) -> int:
    """How often its stock was set, by an operator or a merchant."""
    return campaign.events.filter(kind=EventKind.STOCK_SET).count()


def _last_place(campaign: Campaign) -> int | None:
    if campaign.strategy != Campaign.Strategy.QUEUED:
        return None
    return store().live.last_place_ms(campaign.slug)
