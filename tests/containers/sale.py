"""What is claimed of the containers, each assertion on the running site."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

import jwt
import orjson

from config.development.demo.crowd import Plan, play_plan
from config.development.demo.told_stored import Row, find_duplicates, find_lost
from config.development.demo.verdict import Answer
from coupons.claims.values import Outcome
from tests.containers.site import Site, Unwell, until

SLUG = "opening"
CONNECTIONS = 32
A_FEW, PAUSE_S = 3, 0.5  # users while services are stopped
HOST = "coupon.test"
_READ_ROWS = (
    "import json; from config.development.django_side.ledger import stored_coupons; "
    f"print(json.dumps(stored_coupons({SLUG!r})))"
)


def demand(well: bool, what: str) -> None:
    if not well:
        raise Unwell(what)


def demand_confined(site: Site) -> None:
    """No service is root, nor can one write outside of its volumes and tmpfs."""
    for name in site.running:
        user = site.inside(name, "id", "-u").strip()
        demand(user == "10001", f"{name} runs as {user}")
        for place in ("/written", "/srv/written", "/etc/written"):
            demand(site.fails_inside(name, "touch", place), f"{name} can write {place}")
    print(f"  {len(site.running)} services: none is root, and every root file system is read-only")


@dataclass(slots=True)
class Sale:
    """A campaign, and everything that its users were told."""

    site: Site
    secret: str  # with which users' tokens are signed
    issuer: str
    stock: int
    answers: list[Answer] = field(default_factory=list)

    def install(self) -> None:
        command = ("python", "manage.py", "new_campaign", SLUG, "--stock", str(self.stock))
        self.site.inside("operators", *command)

    @property
    def url(self) -> str:
        return f"http://{HOST}:8080/api/v1/campaigns/{SLUG}"

    def claim(self, users: range, meanwhile: Callable[[], None] = lambda: None) -> None:
        """All of them claim through the front, a few at a time while something is done to the
        site, and then the rest."""
        left = [f"user-{number}" for number in users]
        with ThreadPoolExecutor(1) as beside:
            acting = beside.submit(meanwhile)
            while left:
                few = len(left) if acting.done() else A_FEW
                now, left = left[:few], left[few:]
                self.answers += self._play(now)
                time.sleep(0 if acting.done() else PAUSE_S)
            acting.result()

    def told(self) -> list[Row]:
        holders = (Outcome.ADMITTED, Outcome.ALREADY_CLAIMED)
        return [
            Row(answer.user, answer.place, answer.code)
            for answer in self.answers
            if answer.outcome in holders
        ]

    def demand_told_is_stored(self) -> None:
        """Everybody who was told holds a coupon, once all are stored; and the stock is sold."""
        until(lambda: self._stored()["waiting"] == 0, "nothing waits", lambda: "")
        stored = self._stored()
        rows = [Row(*row) for row in stored["rows"]]
        demand(bool(rows), f"nobody was told: {self.answers[:2]}")
        lost, twice = find_lost(self.told(), rows), find_duplicates(self.told(), rows)
        demand(not lost, f"{len(lost)} of {len(self.told())} told are lost: {lost[:3]}")
        demand(not twice, f"twice: {twice[:3]}")
        demand(stored["parked"] == 0, f"{stored['parked']} parked")
        demand(len(rows) <= self.stock, f"{len(rows)} coupons of a stock of {self.stock}")
        print(f"  {len(set(self.told())):,} told, {len(rows):,} stored, none lost")

    def ask_as(self, user: str) -> Answer:
        return self._play([user])[-1]

    def _play(self, users: list[str]) -> list[Answer]:
        """Who gets no final answer asks again."""
        people = [(user, 1, self._token(user)) for user in users]
        plan = Plan(self.url, time.time(), time.time() + 90, CONNECTIONS, people)
        with redirect_stdout(StringIO()):  # its progress
            return asyncio.run(play_plan(plan))

    def _stored(self) -> dict[str, Any]:
        output = self.site.inside("operators", "python", "manage.py", "shell", "-c", _READ_ROWS)
        stored: dict[str, Any] = orjson.loads(output.splitlines()[-1])
        return stored

    def _token(self, user: str) -> str:
        claims = {"iss": self.issuer, "aud": "coupons", "sub": user, "exp": int(time.time()) + 600}
        return jwt.encode(claims, self.secret, algorithm="HS256")
