"""A site of real processes, its servers behind a misbehaving proxy, and a Prometheus that
watches it with the deployed rules."""

import http.client
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlencode, urlsplit, urlunsplit

import redis

from coupons.identity import user_tokens
from tests.config.waiting import wait_until
from tests.harness import servers
from tests.harness.proxy import ProxyRoute, start_proxy
from tests.harness.wrong_clock import WrongClock
from tests.infra.test_dashboards import Prometheus, start_programs

Environment = dict[str, str]
PORTS = ("web", "users", "front", "consumer", "node", "prometheus")
HEARD_S = 240  # a rate falls within a minute, a threshold may be half of one; a busy machine
OF_THE_MACHINE = {"HostBusy", "DiskNearlyFull", "MemoryNearlyGone"}
NAMES = ("redis", "broker", "database")


class Site:
    """`redis` is connected to the deciding Redis directly; the programs of the site connect through
    the `routes` of a proxy."""

    def __init__(
        self,
        redis_url: str,
        ports: dict[str, int],
        routes: dict[str, ProxyRoute],
        clock: WrongClock,
    ) -> None:
        self.redis_url, self.redis = redis_url, redis.Redis.from_url(redis_url)
        self.routes, self.ports, self.clock = routes, ports, clock
        self.pids: dict[str, int] = {}
        self._prometheus = Prometheus(ports["prometheus"])

    def true_alerts(self) -> set[str]:
        """Names of alerts whose expression is true: pending and firing ones."""
        alerts = self._prometheus.call_api("alerts")["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts}

    def wait_for_alerts(self, *names: str, within_s: float = HEARD_S) -> None:
        """Wait until each of these alerts was pending or firing, not necessarily at the same
        time."""
        missing, deadline = set(names), time.monotonic() + within_s
        while missing:
            missing -= self.true_alerts()
            assert time.monotonic() < deadline, f"not heard: {missing}"
            time.sleep(0.5)

    def wait_until_quiet(self, *names: str) -> None:
        """Wait until none of these alerts is pending or firing: not yet, or after an earlier
        fault."""
        deadline = time.monotonic() + HEARD_S
        while still := self.true_alerts() & set(names):
            assert time.monotonic() < deadline, f"not quiet: {still}"
            time.sleep(0.5)

    def until_reconciled(self, slug: str) -> None:
        """Wait until reconcile has compared this campaign, and Prometheus has scraped the time of
        it."""
        expr = f'coupon_reconciled_timestamp_seconds{{campaign="{slug}"}} > 0'
        wait_until(lambda: bool(self._prometheus.query_series(expr)))

    def keeps_quiet_about(self, *names: str) -> None:
        """The negative control, before the fault."""
        assert self.true_alerts() & set(names) == set()

    def wait_until_healthy(self) -> None:
        """Wait until all targets are scraped, beat sweeps, and no alert is pending or firing except
        those about this machine."""
        expr = (
            'count(up{job=~"web|consumer|front"} == 1) == 3 and on () coupon_sweep_age_seconds >= 0'
        )
        wait_until(self._prometheus.is_ready)
        wait_until(lambda: bool(self._prometheus.query_series(expr)))
        wait_until(lambda: self.true_alerts() <= OF_THE_MACHINE)

    @contextmanager
    def freeze_programs(self, *names: str) -> Iterator[None]:
        """Stop these programs (SIGSTOP) until the block ends; the kernel keeps their
        connections."""
        pids = [pid for name in names for pid in _process_family(self.pids[name])]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                with suppress(ProcessLookupError):  # it has ended
                    os.kill(pid, signal.SIGCONT)

    def post_claim(self, user: str, slug: str = "sale", *, door: str = "web") -> int:
        """Post a claim. Returns the status, or 0 if no answer came."""
        return self.send_request("POST", f"/api/v1/campaigns/{slug}/claims", user=user, door=door)

    def send_request(self, method: str, path: str, *, user: str, door: str = "web") -> int:
        headers = {"Authorization": f"Bearer {user_tokens.mint_token(user)}"}
        address = ("127.0.0.1", self.ports[door])
        asking = http.client.HTTPConnection(*address, timeout=10)
        with closing(asking), suppress(OSError, http.client.HTTPException):
            asking.request(method, path, headers=headers)
            return asking.getresponse().status
        return 0

    def send_wrong_password(self, name: str) -> int:
        """Send a wrong password for this operator. Returns the status."""
        token = "a" * 32
        form = {"csrfmiddlewaretoken": token, "username": name, "password": "guess"}
        headers = {
            "Cookie": f"csrftoken={token}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        asking = http.client.HTTPConnection("127.0.0.1", self.ports["web"], timeout=10)
        with closing(asking):
            asking.request("POST", "/admin/login/", urlencode(form), headers)
            return asking.getresponse().status

    @contextmanager
    def sending_crowd(self, *, door: str = "web", people: int = 10) -> Iterator[None]:
        """So many users, each of whom claims again and again."""
        over = threading.Event()

        def claim_repeatedly(name: str) -> None:
            number = 0
            while not over.is_set():
                number += 1
                self.post_claim(f"{name}-{number}", door=door)

        crowd = [
            threading.Thread(target=claim_repeatedly, args=(f"user-{n}",)) for n in range(people)
        ]
        for person in crowd:
            person.start()
        try:
            yield
        finally:
            over.set()
            for person in crowd:
                person.join()

    @contextmanager
    def sending_quotes(self, key: str, quote: dict[str, str]) -> Iterator[None]:
        """A shop that asks for this quote twenty times a second."""
        over = threading.Event()

        def ask_repeatedly() -> None:
            headers = {"Authorization": f"Api-Key {key}", "Content-Type": "application/json"}
            while not over.wait(0.05):
                asking = http.client.HTTPConnection("127.0.0.1", self.ports["web"], timeout=10)
                with closing(asking), suppress(OSError, http.client.HTTPException):
                    asking.request("POST", "/api/v1/merchant/quotes", json.dumps(quote), headers)
                    asking.getresponse().read()

        shop = threading.Thread(target=ask_repeatedly)
        shop.start()
        try:
            yield
        finally:
            over.set()
            shop.join()


@contextmanager
def running_site(environment: Environment, folder: Path, redis_url: str) -> Iterator[Site]:
    with ExitStack() as stack:
        broker_url = stack.enter_context(servers.start_redis(folder / "broker"))
        urls = dict(zip(NAMES, (redis_url, broker_url, environment["DATABASE_URL"]), strict=True))
        targets = {name: urlsplit(url).port or 0 for name, url in urls.items()}
        routes = stack.enter_context(start_proxy(targets, folder / "proxy.log"))
        through = {name: _url_by(routes[name], url) for name, url in urls.items()}
        given = environment | {
            "REDIS_URL": through["redis"],
            "CELERY_BROKER_URL": through["broker"],
            "DATABASE_URL": through["database"],
            "UNKNOWN_CODES_PER_KEY_PER_MIN": "0",  # one shop plays all that guess
        }
        ports = {name: servers.free_port() for name in PORTS}
        clock = WrongClock(folder)  # of our own programs
        site = Site(redis_url, ports, routes, clock)
        site.pids = start_programs(given | clock.env, folder, ports, stack)
        site.wait_until_healthy()
        yield site


def _process_family(pid: int) -> list[int]:
    """Pids of a process and its descendants."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in _process_family(int(child)))]


def _url_by(route: ProxyRoute, url: str) -> str:
    parts = urlsplit(url)
    login = parts.netloc.rpartition("@")[0]
    address = f"{login}@127.0.0.1:{route.port}" if login else f"127.0.0.1:{route.port}"
    return urlunsplit(parts._replace(netloc=address))
