"""Serializers and examples of bulk work, exports and support, for the OpenAPI description only."""

from typing import Any, TypeAlias

from rest_framework import serializers

from coupons.api.schemas import REFUSAL, SENTENCES, Refusal, RefusalsKept

Body: TypeAlias = serializers.Serializer[Any]


class JobStatus(Body):
    job = serializers.UUIDField(allow_null=True, help_text="null: of a dry run.")
    kind = serializers.ChoiceField(["grants", "revocations"])
    campaign = serializers.CharField()
    state = serializers.ChoiceField(
        ["receiving", "ready", "running", "done", "abandoned", "rehearsed"]
    )
    lines = serializers.IntegerField()
    done = serializers.IntegerField(help_text="Lines that have their verdict.")
    verdicts = serializers.DictField(child=serializers.IntegerField())
    reason = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class JobLine(Body):
    line = serializers.IntegerField(help_text="From 1, as in the file; empty lines count.")
    user = serializers.CharField(required=False)
    nth = serializers.IntegerField(required=False)
    code = serializers.CharField(required=False)
    verdict = serializers.ChoiceField(
        ["granted", "has_place", "refused", "revoked", "revoked_before"], allow_null=True
    )
    place = serializers.IntegerField(required=False)
    coupon = serializers.CharField(required=False)
    reason = serializers.CharField(required=False)


class JobLinePage(Body):
    after = serializers.IntegerField(allow_null=True, help_text="Go on with this; null: the end.")
    lines = JobLine(many=True)


class ExportedCoupon(Body):
    """One line of JSON lines; the last line is `{"complete": bool, "after": place}`."""

    place = serializers.IntegerField()
    coupon = serializers.CharField()
    user = serializers.CharField()
    nth = serializers.IntegerField()
    code = serializers.CharField()
    state = serializers.ChoiceField(["issued", "held", "redeemed", "revoked", "expired"])
    order_ref = serializers.CharField(allow_null=True)
    discount = serializers.CharField(allow_null=True)
    admitted_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


class Attempts(Body):
    user = serializers.CharField()
    campaign = serializers.CharField()
    campaign_state = serializers.CharField()
    segment_needed = serializers.CharField(allow_null=True)
    places = serializers.JSONField(help_text="What Redis knows; an object if that can't be read.")
    coupons = serializers.JSONField()
    waitlist = serializers.JSONField(allow_null=True)
    parked = serializers.JSONField(help_text="Claims that can't be stored, with their reasons.")
    given_up = serializers.JSONField()
    refusals = Refusal(many=True)
    refusals_kept = RefusalsKept()
    sentences = serializers.DictField(
        child=serializers.CharField(), help_text="For the customer, by language: en, ko."
    )


JOB = {
    "job": "019acd2e-6a3c-7c1f-9f55-0242ac120002",
    "kind": "grants",
    "campaign": "lunch-1",
    "state": "running",
    "lines": 100_000,
    "done": 42_000,
    "verdicts": {"granted": 41_990, "has_place": 10},
    "reason": "",
    "created_at": "2026-12-01T03:00:00.000Z",
    "finished_at": None,
}
JOB_LINES = {
    "after": None,
    "lines": [
        {
            "line": 2,
            "user": "ann",
            "verdict": "granted",
            "place": 101,
            "coupon": "4294967397",
        }
    ],
}
EXPORTED = {
    "place": 101,
    "coupon": "4294967397",
    "user": "ann",
    "nth": 1,
    "code": "7K2M-9QXT-4B8N-W3R4",
    "state": "redeemed",
    "order_ref": "order-1",
    "discount": "2000.00",
    "admitted_at": "2026-12-01T03:00:00.123Z",
    "expires_at": "2026-12-31T03:00:00.123Z",
}
ATTEMPTS: dict[str, Any] = {
    "user": "bob",
    "campaign": "lunch-1",
    "campaign_state": "open",
    "segment_needed": None,
    "places": [],
    "coupons": [],
    "waitlist": {
        "number": 7,
        "state": "waiting",
        "asked_at": "2026-12-01T03:00:02.000Z",
        "reason": None,
    },
    "parked": [],
    "given_up": [],
    "refusals": [REFUSAL],
    "refusals_kept": {"kept": 4_021, "made": 4_021, "complete": True, "unknown": None},
    "sentences": SENTENCES,
}
