"""The drawn lives once more, through the verbs and the tables: shorter, with the database's own
clock set to the drawn moments."""

from collections import Counter
from datetime import datetime
from functools import partial
from typing import Any, cast
from uuid import UUID

import pytest
from django.db import connection
from django.db.models import F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coupons.admission import strategies
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.values import Claim
from coupons.errors import CouponConflict
from coupons.models import Coupon, CouponEvent, CouponLife, Returned, Verb
from coupons.redemption import lifecycle
from coupons.redemption.lifecycle import Result
from coupons.redemption.states import life_of
from coupons.redemption.steps import Step
from tests.conftest import CampaignMaker
from tests.coupons.redemption.conftest import KEY, OPERATOR, cart, make_sale
from tests.coupons.redemption.drawn_life import (
    STEP_BYTES,
    VALID_FOR,
    BrokenPromise,
    Refusal,
    World,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stores]

LIVES, STEPS_OF_EACH = 15, 50


BY_A_SHOP = ("reserve", "redeem", "renew", "release", "cancel")
KEPT_OPTIONS: dict[str, tuple[str, ...]] = {
    "reserve": ("seconds", "replaces"), "redeem": (), "renew": ("seconds",), "release": (),
    "cancel": ("cause",), "revoke": ("force", "returns", "reason"), "undo": ("reason",),
    "expire": (), "extend": ("reason",), "give_back": (),
}  # fmt: skip


class StoredWorld(World):
    """Its lives are rows; a decision is a verb of `lifecycle`."""

    def __init__(self, sale: CampaignSnapshot, merchant_id: int, **terms: Any) -> None:
        self.sale, self.merchant_id = sale, merchant_id
        super().__init__(**terms)

    def add_coupon(self) -> None:
        super().add_coupon()
        user = f"user-{Coupon.objects.count()}"
        strategies.admit(self.sale, Claim(user))
        Coupon.objects.filter(user=user).update(expires_at=self.now + VALID_FOR)
        self.lives[-1] = life_of(Coupon.objects.get(user=user))

    def _pass_time(self, pause: int, life: Any) -> None:
        super()._pass_time(pause, life)
        set_clock(self.now)

    def give_on(self, at: int, order: str, one: int, two: int) -> None:
        before = self.given_on
        super().give_on(at, order, one, two)
        if self.given_on > before:
            self._returned().update(given_on=F("given_on") + 1)

    def _decide(self, name: str, at: int, decide: Any, *arguments: Any, **more: Any) -> Any:
        life, returned = self.lives[at], self.returned
        try:
            result = self._call(name, life.slot, arguments, more)
        except CouponConflict:
            self.played[f"{name} refused"] += 1
            return Refusal
        if not result.is_new:
            self.played[f"{name} again"] += 1
            return None
        self.played[name] += 1
        self.lives[at] = life_of(Coupon.objects.select_related("life").get(pk=life.slot))
        self.returned = sum(self._returned().values_list("returned", flat=True))
        self.books[at].units_back += self.returned - returned
        if self.books[at].units_back not in (0, 1):
            raise BrokenPromise(f"{self.books[at].units_back} units of one coupon came back")
        event = CouponEvent.objects.filter(coupon=life.slot).latest("version")
        if event.version != self.lives[at].version:
            raise BrokenPromise("a step without its event")
        if event.reference is not None:
            self.known[at].append(event.reference)
        return Step(cast(Verb, event.verb), cast(Any, event.after), {}, reference=event.reference)

    def _call(self, name: str, pk: int, given: tuple[Any, ...], more: dict[str, Any]) -> Result:
        """The verb of `lifecycle` for a decision of this name, with the decision's arguments."""
        code, user = Coupon.objects.values_list("code", "user").get(pk=pk)
        if name in ("renew", "release", "cancel"):
            self._demand_known(given[0])
        more = {key: more[key] for key in more if key in KEPT_OPTIONS[name]}
        if name in BY_A_SHOP:
            more["merchant_id"] = self.merchant_id
        verb, first = {
            "reserve": (lifecycle.reserve_coupon, [code]),
            "redeem": (lifecycle.redeem_coupon, [code]),
            "renew": (lifecycle.renew_hold, [given[0]]),
            "release": (lifecycle.release_hold, [given[0]]),
            "cancel": (lifecycle.cancel_redemption, [given[0]]),
            "revoke": (partial(lifecycle.revoke_coupon, pk=pk), []),
            "undo": (lifecycle.undo_revocation, [pk]),
            "expire": (lifecycle.expire_coupon, [pk]),
            "extend": (lifecycle.extend_coupon, [pk, given[0]]),
            "give_back": (partial(lifecycle.give_back_coupon, user=user), [code]),
        }[name]
        if name in ("reserve", "redeem"):
            first.append(cart(given[0].ref))
        actor = KEY if name in BY_A_SHOP else OPERATOR
        result: Result = cast(Any, verb)(*first, actor=actor, **more)
        return result

    def _demand_known(self, reference: UUID) -> None:
        if reference == UUID(int=0):
            raise CouponConflict("There is no such reservation yet.")

    def _returned(self) -> Any:
        return Returned.objects.filter(campaign_id=self.sale.id)


def set_clock(moment: datetime) -> None:
    """NOW() of this session, from the next statement on."""
    with connection.cursor() as cursor:
        cursor.execute("SET TIMESTAMP = %s", [moment.timestamp()])


@pytest.mark.parametrize("expiry_returns", [False, True])
def test_every_promise_is_kept_in_the_tables_as_well(
    open_campaign: CampaignMaker, merchant: Any, expiry_returns: bool
) -> None:
    if connection.vendor != "mysql":
        pytest.skip("The clock of SQLite can't be set.")
    sale = make_sale(
        open_campaign, merchant, stock=10_000, may_give_back=True, expiry_returns=expiry_returns
    )
    played: Counter[str] = Counter()

    @settings(
        max_examples=LIVES, derandomize=True, database=None, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.binary(min_size=STEPS_OF_EACH * STEP_BYTES, max_size=STEPS_OF_EACH * STEP_BYTES))
    def play(tape: bytes) -> None:
        for table in (CouponEvent, CouponLife, Returned):
            table.objects.all().delete()
        world = StoredWorld(sale, merchant.pk, expiry_returns=expiry_returns)
        world.play(tape)
        played.update(world.played)

    try:
        play()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET TIMESTAMP = DEFAULT")
    print(dict(played))
    assert sum(played.values()) > 0.8 * LIVES * STEPS_OF_EACH
