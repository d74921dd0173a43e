"""A shop's checkout over HTTP: quote, reserve, redeem, cancel, and every refusal on the way."""

import json
from typing import Any
from uuid import uuid4

import pytest

from config import env
from coupons.admission import strategies
from coupons.claims.values import Claim
from coupons.issuing import drain
from coupons.models import Coupon, CouponEvent, IdempotentCall, Merchant
from tests.conftest import CampaignMaker
from tests.coupons.api.merchant.conftest import Backend, order
from tests.coupons.api.test_schema import assert_conforms
from tests.coupons.redemption.conftest import expire, make_sale, won_by

DOCUMENT = json.loads((env.BASE_DIR / "openapi.json").read_text())
pytestmark = [pytest.mark.django_db, pytest.mark.stores]


def test_quote_reserve_redeem_cancel(backend: Backend, coupon: Coupon) -> None:
    quote = backend.post("quotes", order(coupon, None))
    assert quote.status_code == 200
    body = quote.json()
    assert (body["redeemable"], body["reasons"]) == (True, [])
    assert (body["discount"], body["payable"]) == ("2000", "18000")
    assert not CouponEvent.objects.exists()

    held = backend.post("reservations", order(coupon, user="ann"))
    assert held.status_code == 201
    redeemed = backend.post("redemptions", order(coupon))
    assert redeemed.status_code == 201
    redemption = redeemed.json()["id"]
    shown = backend.get(f"redemptions/{redemption}").json()
    assert shown == redeemed.json() | {"cancelled_at": None, "cause": None}

    cancelled = backend.post(f"redemptions/{redemption}/cancel", {"cause": "customer"})
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "issued")
    assert backend.get(f"redemptions/{redemption}").json()["cause"] == "customer"
    life = backend.post("coupons/lookup", {"code": coupon.code}).json()
    assert [event["verb"] for event in life["events"]] == ["reserve", "redeem", "cancel"]
    assert life == backend.post("coupons/lookup", {"user": "ann", "campaign": "sale"}).json()


def test_the_answers_are_as_openapi_json_describes_them(backend: Backend, coupon: Coupon) -> None:
    def checked(path: str, response: Any, method: str = "post") -> Any:
        assert_conforms(DOCUMENT, f"/api/v1/merchant/{path}", method, response)
        return response.json()

    lines = [{"id": "a", "amount": "12000"}, {"id": "b", "amount": "8000"}]
    checked("quotes", backend.post("quotes", order(coupon, lines=lines, user="bob")))
    held = checked("reservations", backend.post("reservations", order(coupon, lines=lines)))
    checked("quotes", backend.post("quotes", order(coupon, "order-2")))
    path = f"reservations/{held['id']}"
    checked("reservations/{id}/renew", backend.post(f"{path}/renew", {"seconds": 900}))
    checked("redemptions", backend.post("redemptions", order(coupon, "order-2")))
    checked("reservations/{id}", backend.delete(path), "delete")
    redeemed = checked("redemptions", backend.post("redemptions", order(coupon)))
    path = f"redemptions/{redeemed['id']}"
    checked("redemptions/{id}", backend.get(path), "get")
    part = backend.post(f"{path}/return-quote", {"remaining_subtotal": "12000"})
    checked("redemptions/{id}/return-quote", part)
    checked("redemptions/{id}/cancel", backend.post(f"{path}/cancel", {"cause": "shop"}))
    checked("redemptions/{id}", backend.get(path), "get")
    checked("coupons/lookup", backend.post("coupons/lookup", {"code": coupon.code}))
    revocation = {"code": coupon.code, "reason": "fraud"}
    checked("coupons/revoke", backend.post("coupons/revoke", revocation))
    checked("redemptions", backend.post("redemptions", order(coupon)))
    undone = backend.post(f"coupons/{coupon.pk}/undo-revoke", {"reason": "oh"})
    checked("coupons/{coupon}/undo-revoke", undone)
    checked("redemptions", backend.post("redemptions", {"code": coupon.code}))


def test_a_repeated_request_has_the_same_body(backend: Backend, coupon: Coupon) -> None:
    lines = [{"id": "a", "amount": "12000"}, {"id": "b", "amount": "8000"}]
    for path in ("reservations", "redemptions"):
        first = backend.post(path, order(coupon, lines=lines))
        again = backend.post(path, order(coupon, lines=lines))
        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json() == again.json()
        assert first.json()["lines"] == ["1200", "800"]
    path = f"redemptions/{first.json()['id']}/cancel"
    once = backend.post(path, {"cause": "shop"})
    backend.post("redemptions", order(coupon, "order-2"))
    assert backend.post(path, {"cause": "shop"}).json() == once.json()


def test_an_idempotency_key_answers_with_the_same_bytes(backend: Backend, coupon: Coupon) -> None:
    first = backend.post("redemptions", order(coupon), **{"Idempotency-Key": "k-1"})
    again = backend.post("redemptions", order(coupon), **{"Idempotency-Key": "k-1"})
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again["Idempotency-Replayed"] == "true"
    other = backend.post("redemptions", order(coupon, "order-2"), **{"Idempotency-Key": "k-1"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert IdempotentCall.objects.count() == CouponEvent.objects.count() == 1


def test_a_dry_run_writes_nothing(backend: Backend, coupon: Coupon) -> None:
    rehearsed = backend.post("redemptions?dry_run=1", order(coupon))
    assert (rehearsed.status_code, rehearsed["Dry-Run"]) == (201, "true")
    assert not CouponEvent.objects.exists()


def test_what_another_order_holds_is_refused_with_its_end(backend: Backend, coupon: Coupon) -> None:
    held = backend.post("reservations", order(coupon)).json()
    refused = backend.post("redemptions", order(coupon, "order-2"))
    assert (refused.status_code, refused.json()["code"]) == (409, "coupon_held")
    assert refused.json()["held_until"][:19] == held["until"][:19]
    released = backend.delete(f"reservations/{held['id']}")
    assert (released.status_code, released.json()["state"]) == (200, "issued")
    assert backend.post("redemptions", order(coupon, "order-2")).status_code == 201


def test_a_hold_is_renewed(backend: Backend, coupon: Coupon) -> None:
    held = backend.post("reservations", order(coupon, seconds=60)).json()
    renewed = backend.post(f"reservations/{held['id']}/renew", {"seconds": 1800}).json()
    assert renewed["until"] > held["until"]
    assert renewed["id"] == held["id"]


def test_all_reasons_at_once(backend: Backend, coupon: Coupon) -> None:
    expire(coupon)
    small = order(coupon, None, subtotal="9999", user="bob")
    reasons = backend.post("quotes", small).json()["reasons"]
    assert [reason["code"] for reason in reasons] == [
        "coupon_expired",
        "user_differs",
        "below_minimum",
    ]
    refused = backend.post("redemptions", order(coupon, subtotal="9999"))
    assert (refused.status_code, refused.json()["code"]) == (422, "terms_not_met")
    assert refused.json()["reasons"][0]["minimum"] == "10000"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"subtotal": 0.5}, "subtotal"),
        ({"subtotal": "-1"}, "subtotal"),
        ({"subtotal": "1e3"}, "subtotal"),
        ({"subtotal": "20000.5"}, "subtotal"),
        ({"currency": "WON"}, "currency"),
        ({"currency": 5}, "currency"),
        ({"code": "nonsense"}, "code"),
        ({"code": None}, "code"),
        ({"order_ref": "x" * 65}, "order_ref"),
        ({"order_ref": ""}, "order_ref"),
        ({"lines": [{"id": "a", "amount": "1"}]}, "lines"),
        ({"lines": "all"}, "lines"),
        ({"discount": "20.5"}, "discount"),
        ({"userr": "ann"}, "userr"),
    ],
)
def test_bad_input_names_its_field(
    backend: Backend, coupon: Coupon, change: dict[str, Any], field: str
) -> None:
    refused = backend.post("redemptions", order(coupon) | change)
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_input")
    assert refused.json()["errors"][0]["field"] == field
    assert not CouponEvent.objects.exists()


def test_a_shop_that_expected_another_discount_is_told(backend: Backend, coupon: Coupon) -> None:
    refused = backend.post("redemptions", order(coupon, discount="1999"))
    assert (refused.status_code, refused.json()["code"]) == (422, "discount_differs")
    assert refused.json()["discount"] == "2000"
    assert backend.post("redemptions", order(coupon, discount="2000")).status_code == 201


def test_a_partial_return_is_quoted(backend: Backend, coupon: Coupon) -> None:
    redeemed = backend.post("redemptions", order(coupon)).json()
    path = f"redemptions/{redeemed['id']}/return-quote"
    part = backend.post(path, {"remaining_subtotal": "12000"}).json()
    assert (part["discount"], part["payable"], part["refund"]) == ("1200", "10800", "7200")
    below = backend.post(path, {"remaining_subtotal": "9000"}).json()
    assert (below["discount"], below["below_minimum"], below["refund"]) == ("0", True, "9000")
    assert backend.post(path, {"remaining_subtotal": "20001"}).status_code == 400


def test_revoked_and_undone(backend: Backend, coupon: Coupon) -> None:
    revoked = backend.post("coupons/revoke", {"code": coupon.code, "reason": "fraud"})
    assert (revoked.status_code, revoked.json()["state"]) == (200, "revoked")
    refused = backend.post("redemptions", order(coupon))
    assert (refused.status_code, refused.json()["code"]) == (410, "coupon_revoked")
    undone = backend.post(f"coupons/{coupon.pk}/undo-revoke", {"reason": "a mistake"})
    assert (undone.status_code, undone.json()["state"]) == (200, "issued")


def test_absent_is_the_same_as_another_merchants(
    backend: Backend, coupon: Coupon, open_campaign: CampaignMaker
) -> None:
    other = Merchant.objects.create(slug="shoes", name="Shoes")
    foreign = won_by(make_sale(open_campaign, other, slug="theirs"), "bob")
    absent = order(coupon) | {"code": "0000000000000000"}
    theirs = backend.post("redemptions", order(foreign))
    nobodys = backend.post("redemptions", absent)
    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.content == nobodys.content
    assert backend.get(f"redemptions/{uuid4()}").status_code == 404


def test_a_coupon_that_waits_to_be_stored_is_not_unknown(
    backend: Backend, open_campaign: CampaignMaker
) -> None:
    sale = make_sale(open_campaign, backend.merchant, strategy="queued")
    place = strategies.admit(sale, Claim("ann")).place
    body = {
        "code": sale.code_of(user="ann", nth=1, place=place),
        "order_ref": "o-1", "subtotal": "20000", "currency": "KRW",
    }  # fmt: skip
    early = backend.post("redemptions", body)
    assert (early.status_code, early.json()["code"]) == (503, "not_stored_yet")
    assert int(early["Retry-After"]) >= 1
    drain.drain("sale", consumer="test")
    assert backend.post("redemptions", body).status_code == 201
    unknown = backend.post("redemptions", body | {"code": "0000000000000000"})
    assert unknown.status_code == 404


def test_a_key_without_the_scope_is_refused(backend: Backend, coupon: Coupon) -> None:
    reader = Backend(backend.merchant, scopes=("read",))
    assert reader.post("quotes", order(coupon)).status_code == 200
    refused = reader.post("redemptions", order(coupon))
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")


@pytest.mark.parametrize("id", [0, 2**63 - 1, 2**63, 10**30])
def test_an_id_that_no_coupon_has_is_unknown(backend: Backend, id: int) -> None:
    refused = backend.post(f"coupons/{id}/undo-revoke", {"reason": "x"})
    assert (refused.status_code, refused.json()["code"]) == (404, "unknown_coupon")


def test_a_repeated_order_with_other_amounts_is_told_in_the_currencys_digits(
    backend: Backend, coupon: Coupon
) -> None:
    backend.post("redemptions", order(coupon))
    refused = backend.post("redemptions", order(coupon, subtotal="30000")).json()
    assert (refused["discount"], refused["subtotal"]) == ("2000", "20000")
    other = backend.post("redemptions", order(coupon, user="bob"))
    assert (other.status_code, other.json()["code"]) == (422, "terms_not_met")


def test_nothing_is_left_to_return_of_a_cancelled_redemption(
    backend: Backend, coupon: Coupon
) -> None:
    path = f"redemptions/{backend.post('redemptions', order(coupon)).json()['id']}"
    backend.post(f"{path}/cancel", {"cause": "customer"})
    refused = backend.post(f"{path}/return-quote", {"remaining_subtotal": "0"})
    assert (refused.status_code, refused.json()["code"]) == (409, "illegal_transition")


def test_looking_users_up_does_not_spend_the_limit_of_unknown_codes(
    backend: Backend, coupon: Coupon, settings: Any
) -> None:
    settings.UNKNOWN_CODES_PER_KEY_PER_MIN = 3
    for number in range(6):
        user = {"user": f"user-{number}", "campaign": "sale"}
        assert backend.post("coupons/lookup", user).status_code == 404
    assert backend.post("quotes", order(coupon, None)).status_code == 200
    unknown = {"code": "0000000000000000"}
    for _ in range(4):
        answer = backend.post("coupons/lookup", unknown)
    assert answer.status_code == 429
