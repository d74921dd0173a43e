"""What happens to a campaign, told to its merchant in the transaction that records it."""

from coupons.claims.timestamps import iso_of, milliseconds_of
from coupons.database import clock
from coupons.models import Campaign
from coupons.webhooks import events, outbox

State = Campaign.State
_TYPES = {State.OPEN: events.OPENED, State.CLOSED: events.CLOSED}


def tell_state(campaign: Campaign, before: str) -> None:
    """Tell that the campaign has opened, also again after a pause, or has closed; nothing if its
    state is the one `before`, or another one."""
    type = _TYPES.get(State(campaign.state))
    if type is None or campaign.merchant_id is None or campaign.state == before:
        return
    data = events.campaign_data(
        campaign.slug,
        opens_at=iso_of(milliseconds_of(campaign.opens_at)),
        closes_at=iso_of(milliseconds_of(campaign.closes_at)),
        after_pause=before == State.PAUSED,
    )
    outbox.record_message(campaign.merchant_id, type, data, clock.read_now())


def tell_proof(campaign: Campaign, *, root: str, places: int, coupons: int) -> None:
    """Tell the root over the places of a closed campaign, as it is published. Told once."""
    data = events.campaign_data(
        campaign.slug,
        root=root,
        places=places,
        coupons=coupons,
        closed_at=iso_of(milliseconds_of(campaign.closes_at)),
    )
    outbox.record_message(campaign.merchant_id, events.PROVED, data, clock.read_now())
