"""The state of a coupon as one value, and what it reads as at a moment. Pure: no I/O, no clock.

Time is a predicate: sweeps only record what a state already reads as."""

from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from coupons.models import Coupon, CouponLife, CouponState


@dataclass(frozen=True, slots=True)
class Life:
    """A coupon and its stored state. `version` 0: it has no row yet, and is issued. Moments are
    aware, of the database's clock."""

    slot: int
    campaign_id: int
    user: str
    place: int
    expires_at: datetime
    state: str = CouponState.ISSUED
    version: int = 0
    changed_at: datetime | None = None
    hold_id: UUID | None = None
    hold_since: datetime | None = None
    hold_until: datetime | None = None
    end_override: datetime | None = None
    merchant_id: int | None = None
    order_ref: str | None = None
    subtotal: Decimal | None = None
    discount: Decimal | None = None
    redemption: UUID | None = None
    redeemed_at: datetime | None = None
    is_returned: bool = False

    @property
    def end(self) -> datetime:
        """From this moment on the coupon can't be used, but by a hold that was made before."""
        return self.end_override or self.expires_at

    def state_at(self, now: datetime) -> CouponState:
        """What the coupon reads as."""
        if self.state == CouponState.HELD and self.hold_until and now < self.hold_until:
            return CouponState.HELD
        if self.state in (CouponState.ISSUED, CouponState.HELD):
            return CouponState.ISSUED if now < self.end else CouponState.EXPIRED
        return CouponState(self.state)

    def is_of_order(self, merchant_id: int | None, order_ref: str) -> bool:
        """Whether this order holds or has redeemed it, or was the last to hold it."""
        return self.merchant_id == merchant_id and self.order_ref == order_ref


STORED_COLUMNS = frozenset(field.name for field in fields(Life)) - {
    "slot", "user", "place", "expires_at", "campaign_id",
}  # fmt: skip


def life_of(coupon: Coupon) -> Life:
    """The value of a coupon that was read with its life (`select_related`)."""
    row: CouponLife | None = getattr(coupon, "life", None)
    stored = {name: getattr(row, name) for name in STORED_COLUMNS} if row else {}
    return Life(
        slot=coupon.pk,
        campaign_id=coupon.campaign_id,
        user=coupon.user,
        place=coupon.place,
        expires_at=coupon.expires_at,
        **stored,
    )
