"""Search for coupons: from the typed text to slot ids. Every query uses an index."""

from coupons.claims import coupon_codes
from coupons.claims.limits import MAX_USER_BYTES, PLACES_PER_CAMPAIGN, slot_id
from coupons.models import Campaign, Coupon

MOST_FOUND = 1000  # coupons of one user; the newest campaigns' come first


def matching_slots(typed: str, *, campaign_id: int | None, by_user: bool) -> set[int]:
    """The slot ids of coupons that match: by user, code, `campaign/place`, or place.

    The text is tried as each of these, by exact match. A place alone needs a campaign.
    `by_user`: not for an operator who may not see users' ids, who could find out whose they are.
    """
    place = _of_place(typed.strip(), campaign_id)
    users = _of_user(typed, campaign_id) if by_user else set()
    return users | _of_code(typed) | place


def _of_user(typed: str, campaign_id: int | None) -> set[int]:
    """By user, as typed and without surrounding blanks (from a clipboard)."""
    return {slot for user in {typed, typed.strip()} for slot in _held_by(user, campaign_id)}


def _held_by(user: str, campaign_id: int | None) -> list[int]:
    if not 0 < len(user.encode()) <= MAX_USER_BYTES:
        return []
    coupons = Coupon.objects.filter(user=user)
    if campaign_id is not None:
        coupons = coupons.filter(campaign_id=campaign_id)
    newest = coupons.order_by("-campaign_id", "-nth")  # a backward scan of the index
    return list(newest.values_list("slot_id", flat=True)[:MOST_FOUND])


def _of_code(typed: str) -> set[int]:
    code = coupon_codes.normalise_code(typed)
    if code is None:
        return set()
    return set(Coupon.objects.filter(code=code).values_list("slot_id", flat=True))


def _of_place(typed: str, campaign_id: int | None) -> set[int]:
    slug, slash, number = typed.rpartition("/")
    if not (number.isascii() and number.isdigit() and len(number) <= 10):
        return set()
    place = int(number)
    if slash:
        campaign_id = Campaign.objects.filter(slug=slug).values_list("pk", flat=True).first()
    if campaign_id is None or not 0 < place < PLACES_PER_CAMPAIGN:
        return set()
    return {slot_id(campaign_id, place)}
