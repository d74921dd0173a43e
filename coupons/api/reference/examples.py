"""An example of each good answer to a user, by operation and status."""

from typing import Any

from coupons.api.schemas import REFUSAL, SENTENCES

_PLACE = {
    "campaign": "opening-1",
    "nth": 1,
    "place": 2,
    "code": "7KQX-3MZC-R1TW-9H4B",
    "receipt": "eyJhbGciOiJIUzI1NiIsImtpZCI6ImsxIn0.eyJjIjoib3BlbmluZy0xIn0.c2lnbmF0dXJl",
    "admitted_at": "2026-12-01T03:00:00.412Z",
    "expires_at": "2026-12-31T03:00:00.412Z",
    "status_url": "/api/v1/campaigns/opening-1/claims/me",
}
_TERMS = {
    "discount": "percent",
    "value": "10.00",
    "currency": "KRW",
    "minimum_order": "20000.00",
    "cap": "5000.00",
}
_STORED = {"stored_at": "2026-12-01T03:00:00.520Z"}
_LIFE = {"state": "issued", "usable_until": "2026-12-31T03:00:00.412Z"}
_WINDOW = {"opens_at": "2026-12-01T03:00:00.000Z", "closes_at": "2026-12-02T03:00:00.000Z"}
_COUPON = {
    name: value for name, value in _PLACE.items() if name not in ("receipt", "status_url")
} | {"name": "Opening", "terms": _TERMS, **_STORED, **_LIFE}
_WAITING = {
    "campaign": "opening-1",
    "state": "waiting",
    "number": 41,
    "position": 17,
    "asked_at": "2026-12-01T03:00:02.020Z",
}

EXAMPLES: dict[tuple[str, int], Any] = {
    ("claim", 202): _PLACE,
    ("claim", 201): _PLACE,
    ("claim", 200): _PLACE,
    ("my_attempts", 200): {
        "campaign": "opening-1",
        "refusals": [REFUSAL],
        "refusals_kept": {"kept": 4_021, "made": 4_021, "complete": True, "unknown": None},
        "sentences": SENTENCES,
    },
    ("claim_status", 200): {"status": "issued", **_PLACE, **_STORED, **_LIFE},
    ("campaign", 200): {
        "campaign": "opening-1", "name": "Opening", "state": "open", "stock": 1000,
        "remaining": 412, "per_user": 1, **_WINDOW, "terms": _TERMS,
        "server_time": "2026-12-01T03:00:00.700Z", "proof": None,
    },
    ("campaigns", 200): {
        "next": "/api/v1/campaigns?cursor=a0-1796094000000-7&limit=50",
        "previous": None,
        "results": [{
            "campaign": "opening-1", "name": "Opening", "state": "scheduled", **_WINDOW,
            "stock": 1000, "terms": _TERMS, "audience": False, "page": "/events/opening-1",
        }],
    },
    ("live", 200): {
        "campaign": "opening-1", "state": "sold_out", "now": "2026-12-01T03:00:02.000Z", **_WINDOW,
        "stock": 1000, "remaining": 0, "last_place_at": "2026-12-01T03:00:01.284Z",
        "asked": 12876, "refused": 11204, "waitlist": True,
    },
    ("time", 200): {"now": "2026-12-01T02:59:58.000Z", "now_ms": 1796093998000,
                    "within_ms": 0.6},
    ("coupons", 200): {"next": None, "previous": None, "results": [_COUPON]},
    ("coupon", 200): _COUPON,
    ("give_back", 200): {
        "campaign": "opening-1", "place": 2, "code": _PLACE["code"], "state": "revoked",
    },
    ("inclusion", 200): {
        "campaign": "opening-1", "version": 1, "place": 2, "index": 1, "size": 3,
        "root": "rrz+uMVrzLyjvFHgWOWN6Wzsjbj5z2fC4QMYhJ9Tk9w=",
        "hashes": ["bjQLnP+zepicpUTmu3gKLHiQHT+zNzhoc1EaYwevoB0=",
                   "aCfmgY3ws9JHyHKcqCJtw/kNPBhXYb2Ky5LdxrIU0kM="],
    },
    ("verify_receipt", 200): {
        "genuine": True, "campaign": "opening-1", "nth": 1, "place": 2,
        "admitted_at": _PLACE["admitted_at"], "yours": True, "status": "issued", **_STORED,
    },
    ("join_waitlist", 201): _WAITING,
    ("join_waitlist", 200): _WAITING,
    ("waitlist_status", 200): _WAITING,
    ("leave_waitlist", 200): _WAITING | {"state": "left", "position": 0},
    ("accept_offer", 200): _WAITING | {"state": "served", "position": 0, "place": 1001},
}  # fmt: skip
