"""Complaints 66 to 71: what is told about what was done to a coupon."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError
from django.test.utils import CaptureQueriesContext

from coupons.models import Campaign, Coupon, CouponEvent, CouponLife, Verb
from coupons.redemption import expiry, lifecycle
from tests.complaints.checkouts import OK, Checkout
from tests.coupons.api.merchant.conftest import Backend
from tests.coupons.redemption.conftest import OPERATOR, age_coupon

pytestmark = pytest.mark.django_db


def actors() -> list[tuple[str, str]]:
    rows = CouponEvent.objects.order_by("version").values_list("verb", "actor_kind")
    return [(verb, kind) for verb, kind in rows]


def test_complaint_66_every_step_leaves_its_trace_with_its_actor(
    checkout: Checkout, coupon: Coupon
) -> None:
    """Written by the verb itself, not by a signal that `update()` would not send."""
    assert checkout.reserve("order-1") == OK
    assert checkout.redeem("order-1") == OK
    assert checkout.cancel("order-1") == OK
    lifecycle.revoke_coupon(pk=coupon.pk, actor=OPERATOR, reason="abuse")
    assert actors() == [
        (Verb.RESERVE, "key"),
        (Verb.REDEEM, "key"),
        (Verb.CANCEL, "key"),
        (Verb.REVOKE, "operator"),
    ]
    assert CouponLife.objects.get().version == 4


@pytest.mark.django_db(transaction=True)
def test_complaint_66_a_sweep_of_a_worker_leaves_a_trace_of_each_coupon(coupon: Coupon) -> None:
    """By bulk statements, without a request, and yet with its actor."""
    age_coupon(coupon, days=400)
    Campaign.objects.update(valid_days=1, opens_at=coupon.admitted_at - timedelta(days=3))
    assert expiry.expire_campaigns() == 1
    assert actors() == [(Verb.EXPIRE, "clock")]


def test_complaint_66_negative_control_an_update_without_the_verb_leaves_none(
    checkout: Checkout,
) -> None:
    assert checkout.redeem("order-1") == OK
    CouponLife.objects.update(order_ref="order-2")
    assert len(actors()) == 1  # why only `redemption` may write: see complaint 11


def test_complaint_67_a_long_history_is_read_by_a_fixed_number_of_queries(
    checkout: Checkout, backend: Backend, coupon: Coupon
) -> None:
    def look() -> int:
        with CaptureQueriesContext(connection) as captured:
            answer = backend.post("coupons/lookup", {"code": coupon.code})
        assert len(answer.json()["events"]) == CouponEvent.objects.count()
        return len(captured)

    assert checkout.redeem("order-1") == OK
    look()
    short = look()
    for number in range(20):
        assert checkout.cancel(f"order-{number + 1}") == OK
        assert checkout.redeem(f"order-{number + 2}") == OK
    assert look() == short


def test_complaint_70_what_was_undone_stays_in_the_history(
    checkout: Checkout, coupon: Coupon
) -> None:
    assert checkout.redeem("order-1") == OK
    assert checkout.cancel("order-1", "shop") == OK
    redeemed, cancelled = CouponEvent.objects.order_by("version")
    assert (redeemed.order_ref, cancelled.order_ref) == ("order-1", "order-1")
    assert redeemed.reference == cancelled.reference
    assert cancelled.data["cause"] == "shop"


def test_complaint_70_the_database_keeps_a_coupon_that_has_a_history(
    checkout: Checkout, coupon: Coupon
) -> None:
    assert checkout.redeem("order-1") == OK
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM coupons_coupon WHERE slot_id = %s", [coupon.pk])


def test_complaint_71_an_operators_reason_is_kept(coupon: Coupon, backend: Backend) -> None:
    lifecycle.revoke_coupon(pk=coupon.pk, actor=OPERATOR, reason="bought by a robot")
    lifecycle.undo_revocation(coupon.pk, actor=OPERATOR, reason="no robot")
    events: list[dict[str, Any]] = backend.post("coupons/lookup", {"code": coupon.code}).json()[
        "events"
    ]
    assert [event["reason"] for event in events] == ["bought by a robot", "no robot"]
