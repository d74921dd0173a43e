"""Complaints 1 to 31: the life of a coupon. Each story is told to the product, and to the old
way that broke it.

16, 19, 25 are races: tests/concurrency/test_coupon_races.py.
"""

import ast
from collections.abc import Callable

import pytest

from config import env
from coupons.models import Coupon, CouponLife, Returned
from coupons.redemption import lifecycle
from tests.complaints.checkouts import (
    OK,
    Checkout,
    CountsEachStep,
    CountsForEver,
    CountsLater,
    HoldsAgainstTheBuyer,
    JudgesAgain,
    OldWay,
    ReopensOrders,
    SaysNothing,
    TakesOneOff,
)
from tests.coupons.api.merchant.conftest import Backend, order
from tests.coupons.redemption.conftest import OPERATOR, expire

pytestmark = pytest.mark.django_db

Any_ = Checkout | OldWay


def a_cancelled_order_does_not_count(shop: Any_) -> None:
    assert shop.redeem("order-1") == OK
    assert shop.cancel("order-1") == OK
    assert shop.redeem("order-2") == OK
    assert shop.uses() == 1


def test_complaint_01_a_cancelled_order_does_not_count(checkout: Checkout) -> None:
    a_cancelled_order_does_not_count(checkout)


def test_complaint_02_a_code_lives_after_an_aborted_payment(checkout: Checkout) -> None:
    assert checkout.reserve("order-1") == OK
    assert checkout.release("order-1") == OK
    assert checkout.reserve("order-2") == OK
    checkout.lapse()
    a_cancelled_order_does_not_count(checkout)


@pytest.mark.parametrize("cause", ["shop", "payment"])
def test_complaint_02_also_if_its_end_has_passed_meanwhile(checkout: Checkout, cause: str) -> None:
    assert checkout.redeem("order-1") == OK
    checkout.expire()
    assert checkout.cancel("order-1", cause) == OK
    assert checkout.redeem("order-2") == OK


def a_first_order_is_not_opened_again(shop: Any_) -> None:
    assert shop.redeem("order-1") == OK
    assert shop.cancel("order-1") == OK
    assert shop.redeem("order-2") == OK
    shop.redeem("order-1")
    assert shop.uses() == 1


def test_complaint_04_a_first_order_that_is_opened_again_is_no_second_use(
    checkout: Checkout,
) -> None:
    a_first_order_is_not_opened_again(checkout)
    assert checkout.redeem("order-1") == "coupon_redeemed"


@pytest.mark.parametrize("cause", ["shop", "payment", "customer"])
def test_complaint_05_a_code_can_be_used_again_after_every_cause(
    checkout: Checkout, cause: str
) -> None:
    assert checkout.redeem("order-1") == OK
    assert checkout.cancel("order-1", cause) == OK
    assert checkout.redeem("order-2") == OK


def test_complaint_06_a_coupon_whose_stock_was_given_on_does_not_come_back(
    coupon: Coupon, backend: Backend
) -> None:
    lifecycle.revoke_coupon(pk=coupon.pk, actor=OPERATOR, reason="abuse", returns=True)
    Returned.objects.update(given_on=1)
    undone = backend.post(f"coupons/{coupon.pk}/undo-revoke", {"reason": "a mistake"})
    assert (undone.status_code, undone.json()["code"]) == (409, "stock_given_on")
    assert CouponLife.objects.get().state == "revoked"


def cancelled_twice_is_given_back_once(shop: Any_) -> None:
    assert shop.redeem("order-1") == OK
    for _ in range(2):
        shop.cancel("order-1")
    assert shop.redeem("order-2") == OK
    assert shop.redeem("order-3") == "coupon_redeemed"


def test_complaint_07_a_use_is_given_back_once(checkout: Checkout) -> None:
    cancelled_twice_is_given_back_once(checkout)


def cancelled_before_any_worker_ran(shop: Any_) -> None:
    assert shop.redeem("order-1") == OK
    assert shop.cancel("order-1") == OK
    assert shop.redeem("order-2") == OK
    assert shop.redeem("order-3") == "coupon_redeemed"
    shop.work()
    assert shop.uses() == 1


def test_complaint_08_a_use_is_counted_and_given_back_by_the_same_transaction(
    checkout: Checkout,
) -> None:
    cancelled_before_any_worker_ran(checkout)


def a_limit_holds_without_workers(shop: Any_) -> None:
    assert shop.redeem("order-1") == OK
    assert shop.redeem("order-2") == "coupon_redeemed"


def test_complaint_10_a_limit_is_enforced_while_no_worker_runs(checkout: Checkout) -> None:
    a_limit_holds_without_workers(checkout)


ROWS = ("CouponLife", "CouponEvent")
WRITES = ("save", "create", "bulk_create", "update", "delete", "get_or_create", "bulk_update")


def writes_lives(node: ast.AST) -> bool:
    """`CouponLife(…)`, or `CouponLife.objects….update(…)`."""
    if not isinstance(node, ast.Call):
        return False
    if isinstance(node.func, ast.Attribute) and node.func.attr in WRITES:
        return ast.unparse(node.func).startswith(ROWS)
    return ast.unparse(node.func) in ROWS


def writers_of_lives() -> set[str]:
    """The packages that write a coupon's life or its events."""
    root = env.BASE_DIR / "coupons"
    return {
        file.relative_to(root).parts[0]
        for file in root.rglob("*.py")
        if any(map(writes_lives, ast.walk(ast.parse(file.read_text()))))
    }


def test_complaint_11_there_is_one_path_on_which_a_coupon_changes() -> None:
    """A payment's plug-in can't cancel by another one: nothing else writes those rows."""
    assert writers_of_lives() == {"redemption"}


def a_failed_payment_is_tried_again(shop: Any_) -> None:
    for _ in range(3):
        assert shop.reserve("order-1") == OK
    assert shop.redeem("order-1") == OK


def test_complaint_12_a_failed_payment_does_not_lock_the_buyer_out(checkout: Checkout) -> None:
    a_failed_payment_is_tried_again(checkout)


def test_complaint_12_the_buyers_next_order_takes_the_hold_over(checkout: Checkout) -> None:
    assert checkout.reserve("order-1") == OK
    assert checkout.reserve("order-2") == "coupon_held"
    assert checkout.reserve("order-2", replaces="order-1") == OK
    assert checkout.redeem("order-2") == OK


def an_own_hold_pays(shop: Any_) -> None:
    assert shop.reserve("order-1") == OK
    assert shop.redeem("order-1") == OK


def test_complaint_13_own_hold_pays(checkout: Checkout) -> None:
    an_own_hold_pays(checkout)


def two_steps_are_one_use(shop: Any_) -> None:
    lines = [{"id": "a", "amount": "12000"}, {"id": "b", "amount": "8000"}]
    assert shop.reserve("order-1", lines=lines) == OK
    assert shop.redeem("order-1", lines=lines) == OK
    assert shop.redeem("order-1", lines=lines) == OK
    assert shop.uses() == 1


def test_complaint_17_a_payment_of_two_steps_is_one_use(checkout: Checkout) -> None:
    two_steps_are_one_use(checkout)


def paid_in_time(shop: Any_) -> None:
    assert shop.reserve("order-1") == OK
    shop.expire()
    assert shop.redeem("order-1") == OK


def test_complaint_20_what_was_held_in_time_is_redeemed_past_its_end(checkout: Checkout) -> None:
    paid_in_time(checkout)


def an_expired_code_is_refused(shop: Any_) -> None:
    shop.expire()
    assert shop.redeem("order-1") == "coupon_expired"


def test_complaint_21_an_expired_code_is_refused_and_its_end_is_told(
    checkout: Checkout, backend: Backend, coupon: Coupon
) -> None:
    an_expired_code_is_refused(checkout)
    answer = backend.post("redemptions", order(coupon))
    assert answer.status_code == 410
    assert answer.json()["end"] and answer.json()["detail"]


def test_complaint_23_a_code_that_became_invalid_before_the_payment_is_refused(
    checkout: Checkout, backend: Backend, coupon: Coupon
) -> None:
    """Never 2xx with a smaller discount."""
    quote = backend.post("quotes", order(coupon)).json()
    assert quote["redeemable"]
    lifecycle.revoke_coupon(pk=coupon.pk, actor=OPERATOR, reason="abuse")
    assert checkout.redeem("order-1", discount=quote["discount"]) == "coupon_revoked"
    lifecycle.undo_revocation(coupon.pk, actor=OPERATOR, reason="a mistake")
    assert checkout.redeem("order-1", discount="1999") == "discount_differs"
    assert checkout.uses() == 0


def test_complaint_26_a_second_browser_is_told_until_when_the_first_holds_it(
    checkout: Checkout, backend: Backend, coupon: Coupon
) -> None:
    assert checkout.reserve("order-1") == OK
    for path in ("reservations", "redemptions"):
        answer = backend.post(path, order(coupon, "order-2"))
        assert (answer.status_code, answer.json()["code"]) == (409, "coupon_held")
        assert answer.json()["held_until"]
    assert checkout.redeem("order-1") == OK


def a_completed_order_stays_as_it_is(shop: Any_) -> None:
    assert shop.redeem("order-1") == OK
    shop.expire()
    for _ in range(2):
        assert shop.redeem("order-1") == OK
    assert shop.uses() == 1


def test_complaint_28_a_completed_order_is_not_judged_again(
    checkout: Checkout, backend: Backend
) -> None:
    a_completed_order_stays_as_it_is(checkout)
    shown = backend.get(f"redemptions/{checkout.redemptions['order-1']}").json()
    assert shown["discount"] == "2000"


def test_complaint_28_uses_are_counted_by_order_not_by_line(checkout: Checkout) -> None:
    two_steps_are_one_use(checkout)


def test_complaint_30_a_code_that_does_not_apply_is_never_a_success(
    checkout: Checkout, backend: Backend, coupon: Coupon
) -> None:
    expire(coupon)
    small = order(coupon, subtotal="9999")
    quote = backend.post("quotes", small).json()
    assert quote["redeemable"] is False
    assert {reason["code"] for reason in quote["reasons"]} == {"coupon_expired", "below_minimum"}
    for path in ("reservations", "redemptions"):
        assert backend.post(path, small).status_code >= 400


CONTROLS: list[tuple[Callable[[Any_], None], type[OldWay]]] = [
    (a_cancelled_order_does_not_count, CountsForEver),
    (a_first_order_is_not_opened_again, ReopensOrders),
    (cancelled_twice_is_given_back_once, TakesOneOff),
    (cancelled_before_any_worker_ran, CountsLater),
    (a_limit_holds_without_workers, CountsLater),
    (a_failed_payment_is_tried_again, HoldsAgainstTheBuyer),
    (an_own_hold_pays, HoldsAgainstTheBuyer),
    (two_steps_are_one_use, CountsEachStep),
    (paid_in_time, JudgesAgain),
    (an_expired_code_is_refused, SaysNothing),
    (a_completed_order_stays_as_it_is, JudgesAgain),
]


@pytest.mark.parametrize(
    ("story", "old_way"), CONTROLS, ids=[f"{s.__name__}-{w.__name__}" for s, w in CONTROLS]
)
def test_negative_control_the_old_way_breaks_the_story(
    story: Callable[[Any_], None], old_way: type[OldWay]
) -> None:
    with pytest.raises(AssertionError):
        story(old_way())
