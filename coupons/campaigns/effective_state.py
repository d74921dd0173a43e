"""A campaign's state by its deciding clock. The sweep records openings and closings a little later
in MySQL."""

from coupons.campaigns import lifecycle
from coupons.claims import timestamps
from coupons.models import Campaign

State = Campaign.State


def effective_state(campaign: Campaign, now_ms: int | None) -> State:
    """The recorded state, updated by the campaign's window at `now_ms`. `now_ms` None (time
    unknown): the recorded state."""
    state = State(campaign.state)
    if now_ms is None or state not in lifecycle.LIVE:
        return state
    if timestamps.milliseconds_of(campaign.closes_at) <= now_ms:
        return State.CLOSED
    is_due = timestamps.milliseconds_of(campaign.opens_at) <= now_ms
    return State.OPEN if is_due and state == State.SCHEDULED else state
