"""When the last place of a direct campaign's stock was given. A queued campaign's gate knows it."""

from coupons.claims.timestamps import milliseconds_of
from coupons.models import Campaign, Coupon


def last_place_ms(campaign: Campaign, stored: int) -> int | None:
    """When a direct campaign's last place was given, in ms. None: there is none, or not known,
    since places were granted: the last one may be of a grant, after the sell-out."""
    if campaign.granted:
        return None
    row = Coupon.objects.filter(campaign_id=campaign.pk, place=stored).first()
    return None if row is None else milliseconds_of(row.admitted_at)
