"""Serializers and examples for the OpenAPI description only, of a coupon's life."""

from rest_framework import serializers

from coupons.api.schemas import STATES, Body, Problem
from coupons.redemption.steps import CAUSES


class MerchantProblem(Problem):
    """RFC 9457, with what a shop needs to go on."""

    reasons = serializers.ListField(
        child=serializers.DictField(child=serializers.CharField()), required=False
    )
    discount = serializers.CharField(required=False, help_text="What the terms give.")
    subtotal = serializers.CharField(required=False)
    questions = serializers.DictField(
        child=serializers.CharField(), required=False, help_text="What to confirm, by code."
    )
    line = serializers.IntegerField(required=False, help_text="Of a list: where the fault is.")


class CouponHead(Body):
    coupon = serializers.CharField(help_text="The coupon's id.")
    code = serializers.CharField(help_text="XXXX-XXXX-XXXX-XXXX")
    campaign = serializers.CharField()
    user = serializers.CharField()
    place = serializers.IntegerField()


class Amounts(Body):
    currency = serializers.CharField()
    subtotal = serializers.CharField(help_text='Amounts are text: "20000", "19.90".')
    discount = serializers.CharField()
    payable = serializers.CharField()
    lines = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="The discount of each line."
    )


class Quote(CouponHead, Amounts):
    state = serializers.ChoiceField(STATES)
    redeemable = serializers.BooleanField()
    reasons = serializers.ListField(
        child=serializers.DictField(child=serializers.CharField()),
        help_text="Every reason against it at once, each with a `code` and its numbers.",
    )
    end = serializers.DateTimeField()
    at = serializers.DateTimeField()


class Reservation(CouponHead, Amounts):
    id = serializers.UUIDField()
    order_ref = serializers.CharField()
    until = serializers.DateTimeField()


class Released(Body):
    id = serializers.UUIDField()
    coupon = serializers.CharField()
    state = serializers.ChoiceField(STATES)


class Redemption(CouponHead, Amounts):
    id = serializers.UUIDField()
    order_ref = serializers.CharField()
    redeemed_at = serializers.DateTimeField()


class RedemptionShown(Redemption):
    cancelled_at = serializers.DateTimeField(allow_null=True)
    cause = serializers.ChoiceField(CAUSES, allow_null=True)


class Cancellation(CouponHead):
    redemption = serializers.UUIDField()
    order_ref = serializers.CharField()
    cause = serializers.ChoiceField(CAUSES)
    cancelled_at = serializers.DateTimeField()
    state = serializers.ChoiceField(["issued", "expired"])
    usable_until = serializers.DateTimeField(allow_null=True)


class ReturnQuote(Body):
    currency = serializers.CharField()
    discount = serializers.CharField(help_text="What is left of it.")
    payable = serializers.CharField()
    refund = serializers.CharField()
    below_minimum = serializers.BooleanField()


class CouponStep(Body):
    version = serializers.IntegerField()
    at = serializers.DateTimeField()
    verb = serializers.CharField()
    before = serializers.CharField()
    after = serializers.CharField()
    by = serializers.CharField()
    order_ref = serializers.CharField(allow_null=True)
    reference = serializers.UUIDField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)


class CouponLife(CouponHead):
    state = serializers.ChoiceField(STATES)
    version = serializers.IntegerField()
    end = serializers.DateTimeField()
    order_ref = serializers.CharField(allow_null=True)
    held_until = serializers.DateTimeField(allow_null=True)
    redemption = serializers.UUIDField(allow_null=True)
    events = CouponStep(many=True)


class CouponStateShown(Body):
    coupon = serializers.CharField()
    campaign = serializers.CharField()
    user = serializers.CharField()
    place = serializers.IntegerField()
    state = serializers.ChoiceField(STATES)
    version = serializers.IntegerField()


ID = "019ad0a1-0000-7000-8000-000000000001"
CODE = "7H4K-2M9Q-XR3T-B8VX"
HEAD = {
    "coupon": "4294967297", "code": CODE, "campaign": "summer", "user": "mina", "place": 1,
}  # fmt: skip
AMOUNTS = {"currency": "KRW", "subtotal": "20000", "discount": "2000", "payable": "18000"}
CART = {"code": CODE, "subtotal": "20000", "currency": "KRW", "user": "mina"}
ORDER = {**CART, "order_ref": "order-4711"}
AT, LATER = "2026-12-01T03:00:00.000Z", "2026-12-01T03:10:00.000Z"
QUOTE = {
    **HEAD, "state": "issued", "redeemable": True, "reasons": [], **AMOUNTS,
    "end": "2026-12-31T15:00:00.000Z", "at": AT,
}  # fmt: skip
RESERVATION = {"id": ID, **HEAD, "order_ref": "order-4711", **AMOUNTS, "until": LATER}
RELEASED = {"id": ID, "coupon": HEAD["coupon"], "state": "issued"}
REDEMPTION = {"id": ID, **HEAD, "order_ref": "order-4711", **AMOUNTS, "redeemed_at": AT}
SHOWN = {**REDEMPTION, "cancelled_at": None, "cause": None}
CANCELLATION = {
    "redemption": ID, **HEAD, "order_ref": "order-4711", "cause": "shop", "cancelled_at": LATER,
    "state": "issued", "usable_until": None,
}  # fmt: skip
RETURN = {
    "currency": "KRW", "discount": "1200", "payable": "10800", "refund": "7200",
    "below_minimum": False,
}  # fmt: skip
STEP = {
    "version": 1, "at": AT, "verb": "redeem", "before": "issued", "after": "redeemed", "by": "key",
    "order_ref": "order-4711", "reference": ID, "reason": "",
}  # fmt: skip
LIFE = {
    **HEAD, "state": "redeemed", "version": 1, "end": "2026-12-31T15:00:00.000Z",
    "order_ref": "order-4711", "held_until": None, "redemption": ID, "events": [STEP],
}  # fmt: skip
REVOKED = {
    "coupon": HEAD["coupon"], "campaign": "summer", "user": "mina", "place": 1,
    "state": "revoked", "version": 1,
}  # fmt: skip
