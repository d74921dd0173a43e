"""The highest place of a campaign that was ever given: numbering goes on above it."""

from coupons.models import Campaign, Tally
from coupons.store import store


def raise_highest(campaign_id: int, place: int) -> None:
    """Record in MySQL that this place was given. Never lowers the recorded place."""
    tally = Tally.objects.filter(campaign_id=campaign_id, highest__lt=place)
    tally.update(highest=place)


def highest_claimant(campaign: Campaign) -> int:
    """The highest place in Redis' claimants, used if the gate itself is lost."""
    pages = store().recovery.scan_claimants(campaign.slug)
    places = (one.place for page in pages for one in page if one.place <= campaign.stock)
    return max(places, default=0)
