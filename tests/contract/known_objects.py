"""Names of things that exist, put into many of the requests: without them nearly all are 404."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from hypothesis import strategies as st

_USUALLY: Any = st.sampled_from([True, True, False])


@dataclass(frozen=True, slots=True)
class Known:
    """Campaigns, codes, ids, users and receipts that the requests may name."""

    campaigns: list[str]
    codes: list[str]
    users: list[str]
    ids: list[str]
    receipts: list[str]

    def named(self, place: str) -> list[str]:
        names = {
            "slug": self.campaigns, "campaign": self.campaigns, "code": self.codes,
            "user": self.users, "id": self.ids, "coupon": self.ids, "receipt": self.receipts,
            "If-Match": ["*"], "order_ref": ["order-1", "order-2"], "currency": ["KRW"],
            "subtotal": ["20000"],
        }  # fmt: skip
        return names.get(place, [])


def with_known_names(drawing: st.DataObject, values: Any, known: Known) -> Any:
    """The same object with known names in some of its members."""
    if not isinstance(values, Mapping):
        return values
    changed = dict(values)
    for name in values:
        names: list[Any] = known.named(name)
        if names and drawing.draw(_USUALLY):
            changed[name] = drawing.draw(st.sampled_from(names))
    return changed


def odd_receipts(campaign: str) -> list[str]:
    """Of somebody who knows their form: numbers beyond any column, contents of other types, and
    more levels than a parser goes down."""
    contents = {"campaign": campaign, "sub": "jun", "nth": 1, "place": 1, "admitted_ms": 1}
    odd: list[bytes] = [
        orjson.dumps(contents | changed)
        for changed in (
            {}, {"nth": 2**63}, {"place": -1}, {"admitted_ms": 2**53}, {"nth": None},
            {"sub": ["jun"]}, {"campaign": "x" * 70}, {"campaign": "unheard-of"}, {"nth": 1.5},
        )
    ]  # fmt: skip
    odd += [
        b'{"campaign":"sale","sub":"jun","nth":18446744073709551616,"place":1,"admitted_ms":1}',
        b'{"campaign":"sale","sub":"\\ud800","nth":1,"place":1,"admitted_ms":1}',
        b"[]", b"1", b'"text"', b"{", b"\xff", b"[" * 2500, b'{"nth":' * 350, b"9" * 2500,
    ]  # fmt: skip
    head = _segment(b'{"alg":"HS256","kid":"k1"}')
    return [f"{head}.{_segment(payload)}.{_segment(b'no signature')}" for payload in odd] + [
        "..", ".", "a.b", f"{_segment(b'[' * 2500)}.e30.e30", "é.é.é", "x" * 3000,
    ]  # fmt: skip


def _segment(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
