"""How large the crowd of a dress rehearsal is: its bounds, and what suits a campaign."""

from coupons.models import Campaign

MOST_PEOPLE, MOST_PER_SECOND = 200_000, 20_000
_FOR_EACH_COUPON = 3  # people: so that most are refused, as at an opening
_FEWEST, _USUAL_PER_SECOND = 100, 200
_LONGEST_S = 600  # a large crowd asks faster


def usual_crowd(campaign: Campaign) -> tuple[int, int]:
    """People, and how many of them ask in a second."""
    coupons = campaign.stock - campaign.granted
    people = min(MOST_PEOPLE, max(_FEWEST, _FOR_EACH_COUPON * coupons))
    return people, max(_USUAL_PER_SECOND, -(-people // _LONGEST_S))
