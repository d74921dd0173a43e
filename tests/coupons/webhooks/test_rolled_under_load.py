"""A merchant's key and an endpoint's secret are exchanged while the shop's backend works: no
request is refused, no event arrives that the receiver can't verify. Real processes, real stores."""

import base64
import hmac
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from config import env
from coupons.merchants import api_keys
from coupons.models import Merchant, Scope
from coupons.webhooks import signatures
from tests.coupons.webhooks.conftest import EndpointMaker
from tests.harness import services
from tests.harness.webhook_receiver import Received, Receiver, answer_status, webhook_receiver

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
ALLOWED = {"WEBHOOKS_PLAIN_HTTP": "yes", "WEBHOOKS_LOOPBACK": "yes"}


class Backend:
    """Asks for test events of its endpoint, one after the other, with the key that it has now."""

    def __init__(self, port: int, endpoint: object, key: str) -> None:
        self.key, self.statuses = key, list[int]()
        self._port, self._stop = port, Event()
        self.endpoint = f"webhooks/{endpoint}"
        self._threads = [Thread(target=self._work) for _ in range(2)]

    @contextmanager
    def working(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join()

    def _work(self) -> None:
        while not self._stop.is_set():
            self.statuses.append(self.post("test")[0])
            time.sleep(0.05)

    def post(self, verb: str, body: object = None, *, key: str = "") -> tuple[int, Any]:
        headers = {
            "Authorization": f"Api-Key {key or self.key}", "Content-Type": "application/json",
            "Idempotency-Key": f"key-{next(_numbers)}",
        }  # fmt: skip
        with closing(HTTPConnection("127.0.0.1", self._port, timeout=60)) as asked:
            content = b"" if body is None else json.dumps(body).encode()
            asked.request("POST", f"/api/v1/merchant/{self.endpoint}/{verb}", content, headers)
            answer = asked.getresponse()
            return answer.status, json.loads(answer.read() or b"null")

    def wait_for(self, more: int) -> None:
        until = len(self.statuses) + more
        wait_until(lambda: len(self.statuses) >= until, lambda: self.statuses)


_numbers = count()


class Verifier:
    """Answers as the README's receiver does, with the secret that it has now; what it found."""

    def __init__(self, secret: str) -> None:
        self.secret, self.verdicts = secret, list[bool]()

    def __call__(self, connection: socket.socket, request: Received) -> None:
        good = is_signed(request, self.secret)
        self.verdicts.append(good)
        answer_status(204 if good else 401)(connection, request)

    def wait_for(self, more: int) -> None:
        until = len(self.verdicts) + more
        wait_until(lambda: len(self.verdicts) >= until, lambda: self.verdicts)


def is_signed(request: Received, secret: str) -> bool:
    headers = request.headers
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + request.body
    mac = hmac.digest(base64.b64decode(secret.removeprefix("whsec_")), signed, "sha256")
    wanted = "v1," + base64.b64encode(mac).decode()
    return wanted in headers["webhook-signature"].split()


def wait_until(true: Callable[[], bool], said: Callable[[], object]) -> None:
    deadline = time.monotonic() + 120
    while not true():
        assert time.monotonic() < deadline, said()
        time.sleep(0.05)


def manage(environment: dict[str, str], *words: str) -> Any:
    done = subprocess.run(
        [sys.executable, "manage.py", "merchant", *words], cwd=env.BASE_DIR, capture_output=True,
        text=True, env=os.environ | environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def site(
    make_endpoint: EndpointMaker, shop: Merchant, child_environment: dict[str, str], tmp_path: Path
) -> Iterator[tuple[Backend, Receiver, Verifier, dict[str, str]]]:
    environment = child_environment | ALLOWED
    with ExitStack() as stack:
        receiver = stack.enter_context(webhook_receiver())
        endpoint = make_endpoint(receiver.url)
        receiver.behaviour = verifier = Verifier(signatures.endpoint_secret(endpoint))
        _, key = api_keys.make_key(shop, name="backend", scopes=[Scope.WEBHOOKS])
        port = stack.enter_context(services.start_web(environment, tmp_path))
        stack.enter_context(services.start_beat(environment, tmp_path))
        stack.enter_context(services.start_webhook_worker(environment, tmp_path))
        backend = Backend(port, endpoint.pk, key)
        stack.enter_context(backend.working())
        yield backend, receiver, verifier, environment


def test_a_key_is_rolled_while_the_backend_works(
    site: tuple[Backend, Receiver, Verifier, dict[str, str]], shop: Merchant
) -> None:
    backend, _, _, environment = site
    former = backend.key
    prefix = shop.keys.get().prefix
    backend.wait_for(20)
    rolled = manage(environment, "roll", prefix, "--overlap-days", "1")
    backend.wait_for(20)  # with the former one, which works for a day
    backend.key = rolled["key"]
    backend.wait_for(20)
    assert set(backend.statuses) == {202}
    assert manage(environment, "revoke", prefix, "--yes")["prefix"] == prefix
    wait_until(lambda: backend.post("test", key=former)[0] == 401, lambda: former)
    backend.wait_for(20)
    assert set(backend.statuses) == {202}
    backend.key = former  # the control
    backend.wait_for(4)
    assert backend.statuses[-1] == 401


def test_a_secret_is_rolled_while_events_arrive(
    site: tuple[Backend, Receiver, Verifier, dict[str, str]],
) -> None:
    backend, _, verifier, _ = site
    verifier.wait_for(20)
    status, rolled = backend.post("roll-secret", {"overlap_s": 3600})
    assert status == 200
    verifier.wait_for(40)  # with the former one, which signs for an hour
    verifier.secret = rolled["secret"]
    verifier.wait_for(40)
    assert set(verifier.verdicts) == {True}
    assert backend.post("roll-secret", {"overlap_s": 0})[0] == 200  # the control: no overlap
    wait_until(lambda: not verifier.verdicts[-1], lambda: verifier.verdicts)
