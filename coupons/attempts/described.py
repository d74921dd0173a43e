"""Refusals as JSON values, for users, merchants and tools alike."""

from typing import Any

from coupons.attempts.finding import FoundRefusals
from coupons.claims.packed_refusals import Refusal
from coupons.claims.timestamps import iso_of


def describe_refusals(found: FoundRefusals) -> dict[str, Any]:
    """`complete`: no refusal here means that none was noted."""
    return {
        "refusals": [_describe(refusal) for refusal in found.refusals],
        "refusals_kept": {
            "kept": found.kept,
            "made": found.made,
            "complete": found.is_complete,
            "unknown": found.unknown or None,
        },
    }


def _describe(refusal: Refusal) -> dict[str, Any]:
    last_place_ms = refusal.last_place_ms
    return {
        "outcome": refusal.outcome,
        "decided_by": refusal.decider.value,
        "count": refusal.count,
        "first_at": iso_of(refusal.first_ms),
        "last_at": iso_of(refusal.last_ms),
        "nth": refusal.nth or None,
        "places_given": refusal.places_given,
        "users_before": refusal.users_before,
        "after_last_place_ms": refusal.late_first_ms,
        "last_place_at": None if last_place_ms is None else iso_of(last_place_ms),
        "request_id": refusal.request or None,
    }
