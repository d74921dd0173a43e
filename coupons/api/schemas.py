"""Serializers for the OpenAPI description only. Responses are not built with these."""

from typing import Any, TypeAlias

from rest_framework import serializers

from coupons.claims.limits import MAX_PER_USER

Body: TypeAlias = serializers.Serializer[Any]


class Claim(Body):
    nth = serializers.IntegerField(
        min_value=1,
        max_value=MAX_PER_USER,
        default=1,
        help_text="Which of the coupons this user may have.",
    )


class HeldPlace(Body):
    campaign = serializers.CharField()
    nth = serializers.IntegerField()
    place = serializers.IntegerField(help_text="1 to stock, in the order of admission.")
    code = serializers.CharField(help_text="XXXX-XXXX-XXXX-XXXX")
    receipt = serializers.CharField(help_text="Signed proof of the admission (compact JWS).")
    admitted_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    status_url = serializers.CharField()


STATES = ["issued", "held", "redeemed", "revoked", "expired"]


CAMPAIGN_STATES = ["scheduled", "open", "sold_out", "paused", "closed"]


class ClaimStatus(Body):
    status = serializers.ChoiceField(["none", "queued", "issued"])
    stored_at = serializers.DateTimeField(required=False)
    campaign = serializers.CharField(required=False)
    nth = serializers.IntegerField(required=False)
    place = serializers.IntegerField(required=False)
    code = serializers.CharField(required=False)
    receipt = serializers.CharField(required=False)
    admitted_at = serializers.DateTimeField(required=False)
    expires_at = serializers.DateTimeField(required=False)
    status_url = serializers.CharField(required=False)
    state = serializers.ChoiceField(
        ["issued", "held", "redeemed", "revoked", "expired"], required=False
    )
    usable_until = serializers.DateTimeField(required=False)


class Refusal(Body):
    outcome = serializers.CharField(help_text="An outcome of a claim, or the code of a failure.")
    decided_by = serializers.ChoiceField(
        ["window", "stock", "eligibility", "limit", "load", "fault"]
    )
    count = serializers.IntegerField(help_text="How often; the first and the last are told.")
    first_at = serializers.DateTimeField()
    last_at = serializers.DateTimeField()
    nth = serializers.IntegerField(allow_null=True)
    places_given = serializers.IntegerField(
        allow_null=True, help_text="By then, right to half a second."
    )
    users_before = serializers.IntegerField(
        allow_null=True, help_text="Users noted as too late before this one."
    )
    after_last_place_ms = serializers.IntegerField(
        allow_null=True, help_text="How long after the last place the first of these came."
    )
    last_place_at = serializers.DateTimeField(allow_null=True)
    request_id = serializers.CharField(allow_null=True, help_text="Of the first.")


class RefusalsKept(Body):
    kept = serializers.IntegerField()
    made = serializers.IntegerField(help_text="Refusals of the campaign that were noted.")
    complete = serializers.BooleanField(help_text="If true, no refusal means that none was noted.")
    unknown = serializers.CharField(allow_null=True, help_text="Why Redis could not be read.")


class MyAttempts(Body):
    campaign = serializers.CharField()
    refusals = Refusal(many=True)
    refusals_kept = RefusalsKept()
    sentences = serializers.DictField(
        child=serializers.CharField(), help_text="By language: en, ko."
    )


REFUSAL: dict[str, Any] = {
    "outcome": "sold_out",
    "decided_by": "stock",
    "count": 1,
    "first_at": "2026-12-01T03:00:01.204Z",
    "last_at": "2026-12-01T03:00:01.204Z",
    "nth": 1,
    "places_given": 100,
    "users_before": 57,
    "after_last_place_ms": 292,
    "last_place_at": "2026-12-01T03:00:00.912Z",
    "request_id": "9f86d08188-2c",
}


SENTENCES = {
    "en": "You asked for a coupon of “Lunch” at 2026-12-01 12:00:01.204 KST, when all had gone. "
    "The last coupon had gone at 12:00:00.912, 0.292 s before.",
    "ko": "회원님은 2026-12-01 12:00:01.204 KST에 “Lunch” 쿠폰을 신청하셨고, 그때는 이미 "
    "선착순 마감되었습니다. 마지막 쿠폰은 0.292초 앞선 12:00:00.912에 발급되었습니다.",
}


class Receipt(Body):
    receipt = serializers.CharField(help_text="As in the response to the claim.")


class ReceiptStatus(Body):
    genuine = serializers.BooleanField(help_text="If false, the other fields are absent.")
    campaign = serializers.CharField(required=False)
    nth = serializers.IntegerField(required=False)
    place = serializers.IntegerField(required=False)
    admitted_at = serializers.DateTimeField(required=False)
    yours = serializers.BooleanField(required=False, help_text="The token's user was admitted.")
    status = serializers.ChoiceField(
        ["issued", "queued", "given_up", "lost"],
        required=False,
        help_text="lost: genuine, and no store knows its claim; the shop can honour it.",
    )
    stored_at = serializers.DateTimeField(required=False)


class Terms(Body):
    discount = serializers.ChoiceField(["percent", "amount"])
    value = serializers.CharField()
    currency = serializers.CharField()
    minimum_order = serializers.CharField()
    cap = serializers.CharField(allow_null=True)


class PublishedProof(Body):
    root = serializers.CharField(  # type: ignore[assignment] # DRF's own `root` is not asked for
        help_text="Of the Merkle tree (RFC 9162, SHA-256), base64."
    )
    size = serializers.IntegerField(help_text="Places, each a leaf.")
    coupons = serializers.IntegerField(help_text="Places that have a coupon.")
    closed_at = serializers.DateTimeField()
    proved_at = serializers.DateTimeField()


class Inclusion(Body):
    campaign = serializers.CharField()
    version = serializers.IntegerField(help_text="Of the leaves' data.")
    place = serializers.IntegerField()
    index = serializers.IntegerField(help_text="Of the leaf, from 0.")
    size = serializers.IntegerField(help_text="Leaves of the tree.")
    root = serializers.CharField(  # type: ignore[assignment]
        help_text="As it is published, base64."
    )
    hashes = serializers.ListField(
        child=serializers.CharField(), help_text="From the leaf's neighbour upwards, base64."
    )


class PublicCampaign(Body):
    campaign = serializers.CharField()
    name = serializers.CharField()
    state = serializers.ChoiceField(CAMPAIGN_STATES)
    stock = serializers.IntegerField()
    remaining = serializers.IntegerField()
    per_user = serializers.IntegerField()
    opens_at = serializers.DateTimeField()
    closes_at = serializers.DateTimeField()
    terms = Terms()
    server_time = serializers.DateTimeField(help_text="By the clock that opens the campaign.")
    proof = PublishedProof(
        allow_null=True, help_text="Some minutes after it has closed; null: not yet."
    )


class Time(Body):
    now = serializers.DateTimeField()
    now_ms = serializers.IntegerField(help_text="Milliseconds since the Unix epoch.")
    within_ms = serializers.FloatField(help_text="How wrong that may be, either way.")


class Live(Body):
    campaign = serializers.CharField()
    state = serializers.ChoiceField(CAMPAIGN_STATES)
    now = serializers.DateTimeField(help_text="When this was read. For a countdown: /api/v1/time.")
    opens_at = serializers.DateTimeField()
    closes_at = serializers.DateTimeField()
    stock = serializers.IntegerField()
    remaining = serializers.IntegerField()
    last_place_at = serializers.DateTimeField(
        allow_null=True, help_text="When the last coupon was given; null: not yet, or not known."
    )
    asked = serializers.IntegerField(help_text="Claims answered so far, repetitions counted.")
    refused = serializers.IntegerField(help_text="Those of them without a coupon.")
    waitlist = serializers.BooleanField(help_text="Whether the campaign has a waitlist.")


class ListedCampaign(Body):
    campaign = serializers.CharField()
    name = serializers.CharField()
    state = serializers.ChoiceField(CAMPAIGN_STATES)
    opens_at = serializers.DateTimeField()
    closes_at = serializers.DateTimeField()
    stock = serializers.IntegerField()
    terms = Terms()
    audience = serializers.BooleanField(help_text="Whether it is only for some users.")
    page = serializers.CharField(help_text="Path of the event page.")


class CampaignList(Body):
    next = serializers.CharField(allow_null=True, help_text="Path of the next page.")
    previous = serializers.CharField(allow_null=True)
    results = ListedCampaign(many=True)


class Coupon(Body):
    campaign = serializers.CharField()
    name = serializers.CharField()
    nth = serializers.IntegerField()
    place = serializers.IntegerField()
    code = serializers.CharField()
    terms = Terms()
    admitted_at = serializers.DateTimeField()
    stored_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    state = serializers.ChoiceField(STATES)
    usable_until = serializers.DateTimeField()


class GiveBack(Body):
    confirm = serializers.BooleanField(help_text="Must be true: it can't be undone.")


class GivenBack(Body):
    campaign = serializers.CharField()
    place = serializers.IntegerField()
    code = serializers.CharField()
    state = serializers.ChoiceField(["revoked"])


class WaitlistEntry(Body):
    campaign = serializers.CharField()
    state = serializers.ChoiceField(["waiting", "offered", "served", "skipped", "left"])
    number = serializers.IntegerField(help_text="In the order in which users asked.")
    position = serializers.IntegerField(help_text="1: served next; 0: not waiting any more.")
    asked_at = serializers.DateTimeField()
    offer_until = serializers.DateTimeField(
        required=False, help_text="Of an offer: accept it before then."
    )
    place = serializers.IntegerField(required=False, help_text="Once a coupon was granted.")
    reason = serializers.ChoiceField(
        ["has_place", "offer_lapsed", "no_time_left"], required=False, help_text="Of a skip."
    )


class CouponPage(Body):
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = Coupon(many=True)


class FieldError(Body):
    field = serializers.CharField()
    why = serializers.CharField()


class Problem(Body):
    """RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="Stable: write programs against this.")
    detail = serializers.CharField(required=False)
    opens_at = serializers.DateTimeField(required=False, help_text="Of `not_open`.")
    retry_after_s = serializers.IntegerField(required=False)
    answered_at = serializers.DateTimeField(
        required=False, help_text="Of `sold_out`, `not_open`: by the clock that decides."
    )
    last_place_at = serializers.DateTimeField(
        required=False,
        allow_null=True,
        help_text="Of `sold_out`: when the last coupon was given; null: not known.",
    )
    state = serializers.ChoiceField(STATES, required=False, help_text="The coupon's.")
    held_until = serializers.DateTimeField(required=False)
    end = serializers.DateTimeField(required=False, help_text="The coupon's.")
    dependency = serializers.CharField(required=False)
    errors = FieldError(many=True, required=False)  # type: ignore[assignment]
