"""The demo's second act: what happens to the coupons after the opening.

A tenth of the winners redeem theirs in a shop's checkout, some orders are cancelled, one coupon is
revoked, and one expires while an order holds it: that order is still honoured, another one is not.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from config.development.demo import django_subprocess
from config.development.demo.shop import MERCHANT, Shop, order_of
from config.development.demo.told_stored import Row
from config.development.environment import Site
from config.development.process import screen
from config.development.process.errors import Trouble
from coupons.claims.quantities import counted_noun

MOST_REDEEMED = 200
# Seconds in which the late coupons must be claimed and held; the longer ones are for slow machines.
_LASTS_S = (2, 10, 40)
_EXPIRY_S = 15  # until they have expired afterwards, at most
_POLL_S = 0.1
TOO_LATE = 410


@dataclass(frozen=True, slots=True)
class SecondAct:
    """The counts, and a sentence for each fault. `honoured`: redeemed by their hold after their
    end; `refused_late`: refused after their end, for they were not held."""

    redeemed: int
    cancelled: int
    revoked: int
    honoured: int
    refused_late: int
    faults: tuple[str, ...]

    @property
    def sentence(self) -> str:
        return (
            f"Then {self.redeemed:,} redeemed, {self.cancelled:,} of them cancelled, "
            f"{self.revoked:,} revoked, {self.honoured:,} expired while held and still honoured."
        )


def play_second_act(site: Site, slug: str, key: str, rows: Sequence[Row]) -> SecondAct:
    """Raises Trouble if a door does not answer."""
    screen.say("\n[bold]The second act[/]: the shop's checkout")
    with Shop(site.merchants_url, f"Api-Key {key}") as shop:
        redeemed, faults = _redeem_some(shop, rows)
        cancelled = _cancel_some(shop, redeemed, faults)
        revoked = _revoke_last(shop, rows, len(redeemed), faults)
        honoured, refused = _play_late(site, shop, slug, faults)
    counts = {"redeemed": len(redeemed), "cancelled": cancelled, "revoked": revoked}
    faults += _stored_faults(site, slug, counts)
    return SecondAct(**counts, honoured=honoured, refused_late=refused, faults=tuple(faults))


def _redeem_some(shop: Shop, rows: Sequence[Row]) -> tuple[list[str], list[str]]:
    """Redeem a tenth, each from a hold; and each twice, for the same redemption."""
    ids, faults = [], list[str]()
    some = rows[: min(MOST_REDEEMED, max(1, len(rows) // 10))] if rows else []
    for number, row in enumerate(some):
        held = shop.post(f"{MERCHANT}/reservations", order_of(row.code, number))
        first, again = (
            shop.post(f"{MERCHANT}/redemptions", order_of(row.code, number)) for _ in range(2)
        )
        statuses = (held.status, first.status, again.status)
        if statuses == (201, 201, 200) and first.body == again.body:
            ids.append(first.body["id"])
        else:
            faults.append(f"{row.user}'s checkout was answered {statuses}.")
    return ids, faults


def _cancel_some(shop: Shop, redemptions: Sequence[str], faults: list[str]) -> int:
    cancelled = 0
    for id in redemptions[:: max(1, min(10, len(redemptions)))]:
        reply = shop.post(f"{MERCHANT}/redemptions/{id}/cancel", {"cause": "customer"})
        cancelled += reply.status == 200
        if reply.status != 200:
            faults.append(f"A cancellation was answered {reply.status}.")
    return cancelled


def _revoke_last(shop: Shop, rows: Sequence[Row], used: int, faults: list[str]) -> int:
    """Revoke the last coupon, if it was not redeemed: nobody can use it from then on."""
    if len(rows) <= used:
        return 0
    code = rows[-1].code
    revoked = shop.post(f"{MERCHANT}/coupons/revoke", {"code": code, "reason": "the demo"})
    tried = shop.post(f"{MERCHANT}/redemptions", order_of(code, 0))
    if (revoked.status, tried.status) != (200, 410):
        faults.append(f"A revocation and a redemption: {revoked.status}, {tried.status}.")
    return int(revoked.status == 200)


def _play_late(site: Site, shop: Shop, slug: str, faults: list[str]) -> tuple[int, int]:
    """Two coupons of another campaign expire within seconds; an order holds one of them."""
    tries = (_claim_and_hold(site, shop, slug, lasts_s) for lasts_s in _LASTS_S)
    codes = next(filter(None, tries), [])
    if not codes:
        raise Trouble(f"Two coupons could not be claimed and held within {_LASTS_S[-1]} s.")
    _await_expiry(shop, codes[1])
    honoured = shop.post(f"{MERCHANT}/redemptions", order_of(codes[0], 1))
    refused = shop.post(f"{MERCHANT}/redemptions", order_of(codes[1], 2))
    statuses = (honoured.status, refused.status)
    if statuses != (201, 410):
        faults.append(f"Honoured after its end, refused: {statuses}, not (201, 410).")
    return int(honoured.status == 201), int(refused.status == 410)


def _claim_and_hold(site: Site, shop: Shop, slug: str, lasts_s: int) -> list[str]:
    """The codes of two coupons, the first of which an order holds; none if the time was over."""
    late = django_subprocess.run_work(site, "prepare_late", "--slug", slug, "--lasts", str(lasts_s))
    codes = [_claim(site, late["slug"], token) for token in late["tokens"]]
    if not all(codes):
        return []
    held = shop.post(f"{MERCHANT}/reservations", order_of(codes[0], 1))
    if held.status not in (201, TOO_LATE):
        raise Trouble(f"A hold was answered {held.status}: {held.body}.")
    return codes if held.status == 201 else []


def _claim(site: Site, slug: str, token: str) -> str:
    """The code; "" if the campaign is closed."""
    with Shop(site.web_url, f"Bearer {token}") as user:
        reply = user.post(f"/api/v1/campaigns/{slug}/claims", {})
    if reply.status not in (201, TOO_LATE):
        raise Trouble(f"A claim of {slug} was answered {reply.status}: {reply.body}.")
    return str(reply.body["code"]) if reply.status == 201 else ""


def _await_expiry(shop: Shop, code: str) -> None:
    deadline = time.monotonic() + _EXPIRY_S
    quote: dict[str, Any] = {"code": code, "subtotal": "20000", "currency": "KRW"}
    while shop.post(f"{MERCHANT}/quotes", quote).body.get("state") != "expired":
        if time.monotonic() > deadline:
            raise Trouble(f"A coupon has not expired within {_EXPIRY_S} s.")
        time.sleep(_POLL_S)


def _stored_faults(site: Site, slug: str, counts: dict[str, int]) -> list[str]:
    """What the database says of the campaign's coupons, compared with what the shop was told."""
    stored = django_subprocess.run_work(site, "read_lives", "--slug", slug)
    told = {
        "redeemed": counts["redeemed"] - counts["cancelled"],
        "revoked": counts["revoked"],
        "cancellations": counts["cancelled"],
    }
    return [
        f"{counted_noun(told[name], 'coupon is', 'coupons are')} {name} as the shop was told, "
        f"but {stored[name]:,} in the database."
        for name in told
        if told[name] != stored[name]
    ]
