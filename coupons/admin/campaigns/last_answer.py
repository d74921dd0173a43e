"""A campaign while MySQL does not answer: its last row, with what Redis' gate says of the stock,
the window and a pause."""

from copy import copy

from coupons.claims.timestamps import moment_of
from coupons.models import Campaign
from coupons.store import Gate

State = Campaign.State


def as_redis_has_it(row: Campaign, gate: Gate | None) -> Campaign:
    """A copy of an old row. `gate` None: of a direct campaign, or Redis does not answer either."""
    known = copy(row)
    if gate is None:
        return known
    known.stock = gate.stock
    known.opens_at, known.closes_at = moment_of(gate.opens_ms), moment_of(gate.closes_ms)
    if gate.paused and known.state in (State.SCHEDULED, State.OPEN):
        known.state = State.PAUSED
    elif not gate.paused and known.state == State.PAUSED:
        known.state, known.held = State.SCHEDULED, False
    return known
