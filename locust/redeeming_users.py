"""`redeem`: people who claim at an opening, and whose shop uses the coupon at once: quote, reserve,
redeem, and one order in ten is cancelled.
"""

# isort: off
from locust import task
from locust.contrib.fasthttp import FAILURE_EXCEPTIONS

# isort: on
import time
from typing import Any

import gevent
import orjson
from answers import PLACED
from base_users import Person, Unexpected, object_in
from geventhttpclient.client import HTTPClient

MERCHANT = "/api/v1/merchant/"
CANCELLED = 10  # one order in so many
MOST_TRIES = 40  # of one step: a coupon that was won a moment ago may not be stored yet
PAUSE_S = 0.25


class WrongStep(Exception):
    """A step of the checkout was answered otherwise than it must be: a fault of the run."""


class Shopper(Person):
    """Claims once; who wins checks out with the coupon, one step after the other."""

    @task
    def claim_and_check_out(self) -> None:
        self.wait_until(self.due)
        answer = self.claim_until_decided(self.user, self.token, due=self.due)
        if answer.outcome in PLACED:
            self._check_out(
                answer.code, f"order-of-{self.user}", cancels=not answer.place % CANCELLED
            )
        self.leave_run()

    def _check_out(self, code: str, order_ref: str, *, cancels: bool) -> None:
        """Raises WrongStep, which the verdict counts."""
        cart = {"code": code, "subtotal": "20000", "currency": "KRW", "user": self.user}
        order = {**cart, "order_ref": order_ref}
        with_shop = HTTPClient.from_url(
            self.load_run.merchants_url,
            concurrency=1,
            connection_timeout=self.connection_timeout,
            network_timeout=self.network_timeout,
        )
        try:
            self._step(with_shop, "quote", "quotes", cart, 200)
            self._step(with_shop, "reserve", "reservations", order, 201)
            redeemed = self._step(with_shop, "redeem", "redemptions", order, 201)
            if cancels:
                path = f"redemptions/{redeemed['id']}/cancel"
                self._step(with_shop, "cancel", path, {"cause": "customer"}, 200)
        finally:
            with_shop.close()

    def _step(
        self, shop: HTTPClient, name: str, path: str, body: dict[str, Any], expected: int
    ) -> dict[str, Any]:
        """One step, sent again while the site says that it may go well later."""
        status, answer = 0, dict[str, Any]()
        for _ in range(MOST_TRIES):
            status, answer = self._send(shop, name, path, body)
            # After a lost answer the same order may hold or have redeemed it: 200 in place of 201.
            if status in (expected, 200):
                return answer
            if status not in (0, 429, 503):
                break
            gevent.sleep(PAUSE_S)
        raise WrongStep(f"{name} was answered {status} {answer.get('code', '')}, not {expected}.")

    def _send(
        self, shop: HTTPClient, name: str, path: str, body: dict[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        headers = {
            "Authorization": f"Api-Key {self.load_run.shop_key}",
            "Content-Type": "application/json",
        }
        began, status, raw = time.perf_counter(), 0, b""
        try:
            response = shop.request("POST", MERCHANT + path, orjson.dumps(body), headers)
            status, raw = int(response.status_code), bytes(response.read())
        except FAILURE_EXCEPTIONS:
            shop.close()
        answer = object_in(raw)
        wrong = f"{status} {answer.get('code', '')}" if status not in (200, 201) else None
        shown = f"shop: {name}: {answer.get('code', 'no answer')}" if wrong else f"shop: {name}"
        self.environment.events.request.fire(
            request_type="POST",
            name=shown,
            response_time=1000 * (time.perf_counter() - began),
            response_length=len(raw),
            exception=Unexpected(wrong) if wrong else None,
            context={},
        )
        return status, answer
