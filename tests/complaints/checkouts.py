"""One coupon at a shop's checkout: the product's, over HTTP, and the ways of other products, from
which the complaints came. A story is told to all of them in the same words.

A method returns "ok" or the code of the refusal; never an exception.
"""

from collections import Counter
from typing import Any

from coupons.models import Coupon, CouponEvent, Verb
from tests.coupons.api.merchant.conftest import Backend, order
from tests.coupons.redemption.conftest import expire, lapse_hold

OK = "ok"


class Checkout:
    """The product."""

    def __init__(self, backend: Backend, coupon: Coupon) -> None:
        self.backend, self.coupon = backend, coupon
        self.holds: dict[str, str] = {}
        self.redemptions: dict[str, str] = {}

    def reserve(self, ref: str, **more: Any) -> str:
        answer = self.backend.post("reservations", order(self.coupon, ref, **more))
        return self._said(answer, ref, self.holds)

    def release(self, ref: str) -> str:
        return self._said(self.backend.delete(f"reservations/{self.holds[ref]}"))

    def redeem(self, ref: str, **more: Any) -> str:
        answer = self.backend.post("redemptions", order(self.coupon, ref, **more))
        return self._said(answer, ref, self.redemptions)

    def cancel(self, ref: str, cause: str = "customer") -> str:
        path = f"redemptions/{self.redemptions[ref]}/cancel"
        return self._said(self.backend.post(path, {"cause": cause}))

    def lapse(self) -> None:
        """The hold's time is over."""
        lapse_hold(self.coupon)

    def expire(self) -> None:
        """The coupon's end passes."""
        expire(self.coupon)

    def work(self) -> None:
        """Background workers run: the product's decisions wait for none."""

    def uses(self) -> int:
        verbs = CouponEvent.objects.filter(coupon=self.coupon).values_list("verb", flat=True)
        counted = Counter(verbs)
        return counted[Verb.REDEEM] - counted[Verb.CANCEL]

    def _said(self, answer: Any, ref: str = "", kept: dict[str, str] | None = None) -> str:
        body = answer.json()
        if answer.status_code >= 400:
            assert body["title"] and body["detail"], body  # never an empty error
            return str(body["code"])
        if kept is not None:
            kept[ref] = body["id"]
        return OK


class OldWay:
    """A counter: how often the code was used. Subclasses have one way each that went wrong."""

    def __init__(self) -> None:
        self.used = 0
        self.holder = ""
        self.is_expired = False
        self.orders: Counter[str] = Counter()

    def reserve(self, ref: str, **more: Any) -> str:
        if self.is_expired:
            return "coupon_expired"
        if self.used or self.holder not in ("", ref):
            return "coupon_held"
        self.holder = ref
        return OK

    def release(self, ref: str) -> str:
        self.holder = ""
        return OK

    def redeem(self, ref: str, **more: Any) -> str:
        if self.is_expired and self.holder != ref:
            return "coupon_expired"
        if self.used and not self.orders[ref]:
            return "coupon_redeemed"
        self.used += not self.orders[ref]
        self.orders[ref] = 1
        return OK

    def cancel(self, ref: str, cause: str = "customer") -> str:
        self.used -= self.orders.pop(ref, 0)
        return OK

    def lapse(self) -> None:
        self.holder = ""

    def expire(self) -> None:
        self.is_expired = True

    def work(self) -> None:
        pass

    def uses(self) -> int:
        return sum(self.orders.values())


class CountsForEver(OldWay):
    """1, 2, 5: a cancelled order stays counted."""

    def cancel(self, ref: str, cause: str = "customer") -> str:
        del self.orders[ref]
        return OK


class ReopensOrders(OldWay):
    """4: an order that was cancelled is opened again, with its code, unasked."""

    def __init__(self) -> None:
        super().__init__()
        self.had: set[str] = set()

    def redeem(self, ref: str, **more: Any) -> str:
        if ref in self.had:
            self.orders[ref] = 1
            return OK
        said = super().redeem(ref)
        if said == OK:
            self.had.add(ref)
        return said


class TakesOneOff(OldWay):
    """7: `used -= 1` at every cancellation, whatever happened before."""

    def redeem(self, ref: str, **more: Any) -> str:
        if self.used > 0:
            return "coupon_redeemed"
        self.used += 1
        self.orders[ref] += 1
        return OK

    def cancel(self, ref: str, cause: str = "customer") -> str:
        self.used -= 1
        return OK


class CountsLater(OldWay):
    """8, 10: a worker counts the use."""

    def redeem(self, ref: str, **more: Any) -> str:
        if self.used:
            return "coupon_redeemed"
        self.orders[ref] = 1
        return OK

    def work(self) -> None:
        self.used = sum(self.orders.values())


class HoldsAgainstTheBuyer(OldWay):
    """12, 13: the hold of the order's own payment counts as somebody else's use."""

    def redeem(self, ref: str, **more: Any) -> str:
        return "coupon_held" if self.holder else super().redeem(ref)

    def reserve(self, ref: str, **more: Any) -> str:
        return "coupon_held" if self.holder else super().reserve(ref)


class CountsEachStep(OldWay):
    """17, 28: counted at the authorisation, and at the capture; for each line of the order."""

    def reserve(self, ref: str, **more: Any) -> str:
        self.orders[ref] += 1
        return super().reserve(ref)

    def redeem(self, ref: str, **more: Any) -> str:
        self.orders[ref] += len(more.get("lines", [0]))
        return OK


class JudgesAgain(OldWay):
    """20, 28: validity is judged when the order is made, and at every later look at it."""

    def redeem(self, ref: str, **more: Any) -> str:
        return "coupon_expired" if self.is_expired else super().redeem(ref)


class SaysNothing(OldWay):
    """21, 23, 30: a code that does not apply is skipped, and the order goes through without it."""

    def redeem(self, ref: str, **more: Any) -> str:
        super().redeem(ref)
        return OK
