"""Every verb of a coupon's life, from every state, on the real tables."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from coupons import errors
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.models import (
    Coupon,
    CouponEvent,
    CouponLife,
    CouponState,
    Merchant,
    OutboxMessage,
    Returned,
)
from coupons.redemption import lifecycle, quotes
from tests.conftest import CampaignMaker
from tests.coupons.redemption.conftest import (
    KEY,
    OPERATOR,
    age_coupon,
    cart,
    expire,
    lapse_hold,
    make_sale,
    won_by,
)

pytestmark = pytest.mark.django_db


def reserve(coupon: Coupon, merchant: Merchant, order: str = "order-1", **more: Any) -> Any:
    more = {"seconds": 600} | more
    return lifecycle.reserve_coupon(
        coupon.code, cart(order), merchant_id=merchant.pk, actor=KEY, **more
    )


def redeem(coupon: Coupon, merchant: Merchant, order: str = "order-1", **more: Any) -> Any:
    return lifecycle.redeem_coupon(
        coupon.code, cart(order, **more), merchant_id=merchant.pk, actor=KEY
    )


def cancel(redemption: Any, merchant: Merchant, cause: str = "customer") -> Any:
    return lifecycle.cancel_redemption(redemption, merchant_id=merchant.pk, actor=KEY, cause=cause)


def revoke(coupon: Coupon, **more: Any) -> Any:
    return lifecycle.revoke_coupon(pk=coupon.pk, actor=OPERATOR, reason="fraud", **more)


def verbs_of(coupon: Coupon) -> list[str]:
    return list(CouponEvent.objects.filter(coupon=coupon).values_list("verb", flat=True))


def state_of(coupon: Coupon, merchant: Merchant) -> CouponState:
    return quotes.quote_coupon(coupon.code, cart("other"), merchant_id=merchant.pk).state


def test_reserve_then_redeem_then_cancel(coupon: Coupon, merchant: Merchant) -> None:
    held = reserve(coupon, merchant)
    assert (held.life.state, held.life.discount) == (CouponState.HELD, Decimal(2000))
    redeemed = redeem(coupon, merchant)
    assert (redeemed.life.state, redeemed.life.order_ref) == (CouponState.REDEEMED, "order-1")
    cancelled = cancel(redeemed.life.redemption, merchant)
    assert (cancelled.life.state, cancelled.life.order_ref) == (CouponState.ISSUED, None)
    assert verbs_of(coupon) == ["reserve", "redeem", "cancel"]
    assert list(OutboxMessage.objects.order_by("id").values_list("type", flat=True)) == [
        "coupon.reserved",
        "coupon.redeemed",
        "coupon.redemption_cancelled",
    ]


def test_the_same_order_again_gets_the_same_answer(coupon: Coupon, merchant: Merchant) -> None:
    first, again = reserve(coupon, merchant), reserve(coupon, merchant)
    assert (first.is_new, again.is_new) == (True, False)
    assert first.life.hold_id == again.life.hold_id
    once, twice = redeem(coupon, merchant), redeem(coupon, merchant)
    assert (once.is_new, twice.is_new) == (True, False)
    assert once.life.redemption == twice.life.redemption
    cancel(once.life.redemption, merchant)
    assert not cancel(once.life.redemption, merchant).is_new
    assert verbs_of(coupon) == ["reserve", "redeem", "cancel"]


def test_another_order_is_refused_until_the_hold_lapses(coupon: Coupon, merchant: Merchant) -> None:
    reserve(coupon, merchant)
    with pytest.raises(errors.CouponHeld):
        redeem(coupon, merchant, "order-2")
    with pytest.raises(errors.CouponHeld):
        reserve(coupon, merchant, "order-2")
    lapse_hold(coupon)
    assert redeem(coupon, merchant, "order-2").is_new
    with pytest.raises(errors.CouponRedeemed):
        redeem(coupon, merchant)


def test_a_hold_is_honoured_past_the_end_of_the_coupon(coupon: Coupon, merchant: Merchant) -> None:
    reserve(coupon, merchant)
    expire(coupon)
    assert state_of(coupon, merchant) is CouponState.HELD
    assert redeem(coupon, merchant).life.state == CouponState.REDEEMED


def test_a_lapsed_hold_past_the_end_is_over(coupon: Coupon, merchant: Merchant) -> None:
    reserve(coupon, merchant)
    expire(coupon)
    lapse_hold(coupon)
    with pytest.raises(errors.CouponExpired):
        redeem(coupon, merchant)


def test_an_order_replaces_its_predecessor(coupon: Coupon, merchant: Merchant) -> None:
    first = reserve(coupon, merchant)
    with pytest.raises(errors.CouponHeld):
        reserve(coupon, merchant, "order-2", replaces="order-9")
    second = reserve(coupon, merchant, "order-2", replaces="order-1")
    assert second.life.hold_since == first.life.hold_since
    with pytest.raises(errors.CouponHeld):
        redeem(coupon, merchant)


def test_an_order_holds_for_two_hours_at_most(coupon: Coupon, merchant: Merchant) -> None:
    hold = reserve(coupon, merchant).life.hold_id
    age_coupon(coupon, minutes=5)
    renewed = lifecycle.renew_hold(hold, merchant_id=merchant.pk, actor=KEY, seconds=1800)
    assert renewed.is_new
    age_coupon(coupon, minutes=130)
    with pytest.raises(errors.IllegalStep, match="2 hours"):
        lifecycle.renew_hold(hold, merchant_id=merchant.pk, actor=KEY, seconds=600)


def test_a_release_makes_it_free_and_ends_only_its_own_hold(
    coupon: Coupon, merchant: Merchant
) -> None:
    hold = reserve(coupon, merchant).life.hold_id

    def release() -> Any:
        return lifecycle.release_hold(hold, merchant_id=merchant.pk, actor=KEY)

    assert release().is_new
    assert not release().is_new
    reserve(coupon, merchant, "order-2")
    assert not release().is_new
    assert state_of(coupon, merchant) is CouponState.HELD


@pytest.mark.parametrize(
    ("cause", "state"),
    [("customer", CouponState.EXPIRED), ("shop", CouponState.ISSUED), ("payment", "issued")],
)
def test_cancelled_after_the_end(
    coupon: Coupon, merchant: Merchant, cause: str, state: str
) -> None:
    redemption = redeem(coupon, merchant).life.redemption
    expire(coupon)
    cancelled = cancel(redemption, merchant, cause)
    assert cancelled.life.state == state
    if cause != "customer":
        assert cancelled.life.end == cancelled.now + timedelta(days=3)
        assert redeem(coupon, merchant, "order-2").is_new


def test_a_redemption_is_cancelled_for_90_days(coupon: Coupon, merchant: Merchant) -> None:
    redemption = redeem(coupon, merchant).life.redemption
    age_coupon(coupon, days=91)
    with pytest.raises(errors.TooLateToCancel):
        cancel(redemption, merchant)


def test_an_old_cancellation_leaves_a_later_redemption_alone(
    coupon: Coupon, merchant: Merchant
) -> None:
    first = redeem(coupon, merchant, "order-a").life.redemption
    cancel(first, merchant)
    second = redeem(coupon, merchant, "order-b").life.redemption
    assert not cancel(first, merchant).is_new
    assert CouponLife.objects.get().redemption == second
    with pytest.raises(errors.CouponRedeemed):
        redeem(coupon, merchant, "order-a")


def test_a_revocation_is_final_and_returns_once(coupon: Coupon, merchant: Merchant) -> None:
    assert revoke(coupon, returns=True).is_new
    assert not revoke(coupon, returns=True).is_new
    assert Returned.objects.get().returned == 1
    with pytest.raises(errors.CouponRevoked):
        redeem(coupon, merchant)
    assert lifecycle.undo_revocation(coupon.pk, actor=OPERATOR, reason="a mistake").is_new
    assert Returned.objects.get().returned == 0
    assert redeem(coupon, merchant).is_new


def test_what_is_held_or_redeemed_is_not_revoked_by_accident(
    coupon: Coupon, merchant: Merchant
) -> None:
    reserve(coupon, merchant)
    with pytest.raises(errors.CouponHeld):
        revoke(coupon)
    redeem(coupon, merchant)
    with pytest.raises(errors.CouponRedeemed):
        revoke(coupon, force=True)


def test_a_held_coupon_is_revoked_by_force(coupon: Coupon, merchant: Merchant) -> None:
    reserve(coupon, merchant)
    revoke(coupon, force=True)
    with pytest.raises(errors.CouponRevoked):
        redeem(coupon, merchant)


def test_a_revocation_whose_unit_was_given_on_stays(coupon: Coupon) -> None:
    revoke(coupon, returns=True)
    Returned.objects.update(given_on=1)
    with pytest.raises(errors.StockGivenOn):
        lifecycle.undo_revocation(coupon.pk, actor=OPERATOR, reason="a mistake")
    assert CouponLife.objects.get().state == CouponState.REVOKED


def test_a_revocation_is_undone_for_a_day(coupon: Coupon) -> None:
    revoke(coupon)
    age_coupon(coupon, hours=25)
    with pytest.raises(errors.IllegalStep, match="24 hours"):
        lifecycle.undo_revocation(coupon.pk, actor=OPERATOR, reason="a mistake")


def test_an_extended_coupon_lives_on(coupon: Coupon, merchant: Merchant) -> None:
    expire(coupon)
    with pytest.raises(errors.CouponExpired):
        redeem(coupon, merchant)
    end = Coupon.objects.get().admitted_at + timedelta(days=1)
    lifecycle.extend_coupon(coupon.pk, end, actor=OPERATOR, reason="our mistake")
    assert redeem(coupon, merchant).is_new


def test_an_owner_gives_it_back_where_that_is_offered(
    open_campaign: CampaignMaker, merchant: Merchant
) -> None:
    sale = make_sale(open_campaign, merchant, may_give_back=True)
    coupon = won_by(sale)
    with pytest.raises(errors.UnknownCoupon):
        lifecycle.give_back_coupon(coupon.code, user="bob", actor=KEY)
    lifecycle.give_back_coupon(coupon.code, user="ann", actor=KEY)
    assert Returned.objects.get().returned == 1
    assert state_of(coupon, merchant) is CouponState.REVOKED


def test_it_is_not_given_back_where_that_is_not_offered(coupon: Coupon) -> None:
    with pytest.raises(errors.IllegalStep):
        lifecycle.give_back_coupon(coupon.code, user="ann", actor=KEY)


def test_another_merchant_finds_nothing(coupon: Coupon, merchant: Merchant) -> None:
    other = Merchant.objects.create(slug="shoes", name="Shoes")
    held = reserve(coupon, merchant).life.hold_id
    with pytest.raises(errors.UnknownCoupon):
        redeem(coupon, other)
    with pytest.raises(errors.UnknownCoupon):
        lifecycle.release_hold(held, merchant_id=other.pk, actor=KEY)
    with pytest.raises(errors.UnknownCoupon):
        quotes.quote_coupon(coupon.code, cart(), merchant_id=other.pk)
    with pytest.raises(errors.UnknownCoupon):
        cancel(uuid4(), merchant)


def test_terms_are_judged_with_all_reasons(coupon: Coupon, merchant: Merchant) -> None:
    with pytest.raises(errors.TermsNotMet) as refused:
        lifecycle.redeem_coupon(
            coupon.code, cart(subtotal=5000), merchant_id=merchant.pk, actor=KEY, user="bob"
        )
    codes = [each["code"] for each in refused.value.extra()["reasons"]]  # type: ignore[attr-defined]
    assert codes == ["user_differs", "below_minimum"]
    with pytest.raises(errors.DiscountDiffers):
        redeem(coupon, merchant, expected=Decimal(1999))
    assert not CouponEvent.objects.exists()


def test_a_repeated_redemption_with_other_amounts_is_told(
    coupon: Coupon, merchant: Merchant
) -> None:
    redeem(coupon, merchant)
    with pytest.raises(errors.DiscountDiffers):
        redeem(coupon, merchant, subtotal=30_000)


def test_a_quote_names_everything_at_once(coupon: Coupon, merchant: Merchant) -> None:
    revoke(coupon)
    found = quotes.quote_coupon(
        coupon.code, cart(subtotal=5000), merchant_id=merchant.pk, user="bob"
    )
    codes = [reason["code"] for reason in found.reasons]
    assert codes == ["coupon_revoked", "user_differs", "below_minimum"]


def test_the_coupons_row_never_changes(
    sale: CampaignSnapshot, coupon: Coupon, merchant: Merchant
) -> None:
    before = Coupon.objects.filter(pk=coupon.pk).values().get()
    redemption = redeem(coupon, merchant).life.redemption
    cancel(redemption, merchant)
    revoke(coupon)
    assert Coupon.objects.filter(pk=coupon.pk).values().get() == before
