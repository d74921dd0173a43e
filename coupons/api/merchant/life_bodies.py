"""The bodies of responses about reservations, redemptions and coupons. Made of a coupon's events,
so that a repeated request gets the same body, also after later steps."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from coupons.claims import coupon_codes, timestamps
from coupons.models import CouponEvent
from coupons.redemption.discounts import format_amount
from coupons.redemption.lifecycle import Result
from coupons.redemption.quotes import PartialReturn, Quote
from coupons.redemption.states import Life
from coupons.redemption.terms import CampaignTerms


def iso(at: datetime | None) -> str | None:
    return None if at is None else timestamps.iso_text(at)


def reservation_body(result: Result) -> dict[str, Any]:
    event = _demand(result.event)
    return {
        "id": str(event.reference),
        **_coupon_head(result.life, result.terms, result.code),
        "order_ref": event.order_ref,
        **_amounts(event, result.terms),
        "until": _moment_in(event, "until"),
    }


def redemption_body(result: Result) -> dict[str, Any]:
    event = _demand(result.event)
    return {
        "id": str(event.reference),
        **_coupon_head(result.life, result.terms, result.code),
        "order_ref": event.order_ref,
        **_amounts(event, result.terms),
        "redeemed_at": iso(event.at),
    }


def cancellation_body(result: Result) -> dict[str, Any]:
    """`state`: the coupon's after the cancellation; `usable_until` where it came alive again."""
    event = _demand(result.event)
    return {
        "redemption": str(event.reference),
        **_coupon_head(result.life, result.terms, result.code),
        "order_ref": event.order_ref,
        "cause": event.data.get("cause"),
        "cancelled_at": iso(event.at),
        "state": event.after,
        "usable_until": _moment_in(event, "revived_until"),
    }


def quote_body(quote: Quote, currency: str, subtotal: Decimal) -> dict[str, Any]:
    body = {
        **_coupon_head(quote.life, quote.terms, quote.code),
        "state": quote.state.value,
        "redeemable": not quote.reasons,
        "reasons": quote.reasons,
        "subtotal": format_amount(subtotal, currency),
        "currency": currency,
        "discount": format_amount(quote.discount, currency),
        "payable": format_amount(subtotal - quote.discount, currency),
        "end": iso(quote.life.end),
        "at": iso(quote.now),
    }
    if quote.lines:
        body["lines"] = [format_amount(line, currency) for line in quote.lines]
    return body


def return_body(terms: CampaignTerms, part: PartialReturn) -> dict[str, Any]:
    currency = terms.discount.currency
    return {
        "currency": currency,
        "discount": format_amount(part.discount, currency),
        "payable": format_amount(part.payable, currency),
        "refund": format_amount(part.refund, currency),
        "below_minimum": part.is_below_minimum,
    }


def coupon_life_body(
    life: Life, terms: CampaignTerms, code: str, now: datetime, events: list[CouponEvent]
) -> dict[str, Any]:
    return {
        **_coupon_head(life, terms, code),
        "state": life.state_at(now).value,
        "version": life.version,
        "end": iso(life.end),
        "order_ref": life.order_ref,
        "held_until": iso(life.hold_until),
        "redemption": str(life.redemption) if life.redemption else None,
        "events": [event_body(event) for event in events],
    }


def event_body(event: CouponEvent) -> dict[str, Any]:
    return {
        "version": event.version,
        "at": iso(event.at),
        "verb": event.verb,
        "before": event.before,
        "after": event.after,
        "by": event.actor_kind,
        "order_ref": event.order_ref,
        "reference": str(event.reference) if event.reference else None,
        "reason": event.reason,
    }


def _coupon_head(life: Life, terms: CampaignTerms, code: str) -> dict[str, Any]:
    return {
        "coupon": str(life.slot),
        "code": coupon_codes.grouped_code(code),
        "campaign": terms.slug,
        "user": life.user,
        "place": life.place,
    }


def _amounts(event: CouponEvent, terms: CampaignTerms) -> dict[str, Any]:
    currency = terms.discount.currency
    subtotal, discount = event.subtotal or Decimal(0), event.discount or Decimal(0)
    body: dict[str, Any] = {
        "currency": currency,
        "subtotal": format_amount(subtotal, currency),
        "discount": format_amount(discount, currency),
        "payable": format_amount(subtotal - discount, currency),
    }
    if "lines" in event.data:
        body["lines"] = [format_amount(Decimal(line), currency) for line in event.data["lines"]]
    return body


def _moment_in(event: CouponEvent, name: str) -> str | None:
    text = event.data.get(name)
    return iso(datetime.fromisoformat(text)) if text else None


def _demand(event: CouponEvent | None) -> CouponEvent:
    if event is None:
        raise LookupError("a step without its event")
    return event
