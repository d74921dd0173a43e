"""The terms of a campaign that its coupons are redeemed by. Frozen when it is scheduled, so a
process reads them once."""

from dataclasses import dataclass

from coupons.models import Campaign
from coupons.redemption.discounts import DiscountTerms, terms_of
from coupons.runtime import ProcessState

_MOST_CACHED = 1_000  # campaigns; then the cache starts anew


@dataclass(frozen=True, slots=True)
class CampaignTerms:
    id: int
    slug: str
    name: str
    merchant_id: int | None
    discount: DiscountTerms
    zone: str
    revives_days: int
    expiry_returns: bool
    may_give_back: bool


_cache: ProcessState[dict[int, CampaignTerms]] = ProcessState(dict)


def campaign_terms(campaign_id: int) -> CampaignTerms:
    """The terms of a campaign that has coupons. Raises DatabaseAway (within `require_database`)."""
    cached = _cache.current.get(campaign_id)
    if cached is not None:
        return cached
    row = Campaign.objects.get(pk=campaign_id)
    terms = CampaignTerms(
        id=row.pk,
        slug=row.slug,
        name=row.name,
        merchant_id=row.merchant_id,
        discount=terms_of(row),
        zone=row.zone,
        revives_days=row.revives_days,
        expiry_returns=row.expiry_returns,
        may_give_back=row.may_give_back,
    )
    if len(_cache.current) >= _MOST_CACHED:
        _cache.current.clear()
    if row.state != Campaign.State.DRAFT:
        _cache.current[campaign_id] = terms
    return terms
