"""A campaign's state by the clock that decides over it, which beat records a little later."""

from coupons import timestamps
from coupons.campaigns import lifecycle
from coupons.models import Campaign

State = Campaign.State


def effective_state(campaign: Campaign, now_ms: int | None) -> State:
    """The recorded state, or what the window has made of it by now; None: the time is unknown."""
    state = State(campaign.state)
    if now_ms is None or state not in lifecycle.LIVE:
        return state
    if timestamps.milliseconds_of(campaign.closes_at) <= now_ms:
        return State.CLOSED
    is_due = timestamps.milliseconds_of(campaign.opens_at) <= now_ms
    return State.OPEN if is_due and state == State.SCHEDULED else state
