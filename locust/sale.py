"""The campaign that a run is about: made for it, or one that is there already."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import Any, cast
from urllib.error import HTTPError
from urllib.parse import urlsplit

from figures import Window
from ledger import Ledger
from line import Line, token_of
from stages import Stage

_TIMEOUT_S = 10
_NOT_THERE = "no-such-campaign"
AWAY = (OSError, HTTPException, ValueError)  # no answer, or none that can be read
_LOOKS = 5  # to know the clocks' difference from the quickest


@dataclass(frozen=True, slots=True)
class Sale:
    """What the people of one load process must know. `opens_at` is seconds of this machine's clock.

    `people` come according to `stages` within `seconds` after the opening; what is due before
    `window` is warm-up.
    """

    slug: str
    opens_at: float
    people: int
    seconds: float
    stages: tuple[Stage, ...]
    window: Window
    line: Line
    ledger: Ledger = field(default_factory=Ledger)

    @property
    def now(self) -> float:
        """Seconds after the opening; negative before it."""
        return time.time() - self.opens_at

    @property
    def path(self) -> str:
        return f"/api/v1/campaigns/{self.slug}"


class NoSale(Exception):
    """There is nothing to ask for. `str(error)` says why, in one line."""


def demand_site(host: str) -> None:
    """Raises NoSale unless a coupon site answers there that believes our people's tokens. Asked
    before a campaign is made: a wrong host must not leave one on the right site."""
    if not _is_address(host):
        raise NoSale(f"{host} is no address of a site, such as http://127.0.0.1:8080.")
    page = f"/api/v1/campaigns/{_NOT_THERE}"
    status, kind = _status(host, page)
    if status != HTTPStatus.NOT_FOUND or not kind.endswith("json"):
        raise NoSale(f"{host} is no coupon site: it answers {status} ({kind}) to {page}.")
    if _status(host, f"{page}/claims/me", token_of(_NOT_THERE))[0] == HTTPStatus.UNAUTHORIZED:
        raise NoSale(
            f"{host} does not believe the tokens that are signed here: JWT_HS256_SECRET, JWT_ISSUER"
            " or JWT_AUDIENCE are not that site's."
        )


def _is_address(host: str) -> bool:
    try:
        parts = urlsplit(host)
        return parts.scheme in ("http", "https") and bool((parts.hostname or "").encode("idna"))
    except ValueError:  # also of a port that is no number, or a name that nobody can have
        return False


def _status(host: str, path: str, token: str = "") -> tuple[int, str]:
    """The answer's status and type. Raises NoSale if there is none."""
    try:
        with _asked(host, path, token) as response:
            return response.status, response.headers.get_content_type()
    except HTTPError as error:
        return error.code, error.headers.get_content_type()
    except AWAY as error:
        raise NoSale(f"no site answers at {host}: {getattr(error, 'reason', error)}.") from None


def create(
    manage: Path,
    slug: str,
    *,
    stock: int,
    strategy: str,
    opens_in: float,
    env: Mapping[str, str] = os.environ,
) -> None:
    """Draft and schedule it with the site's own command, in the site's own environment."""
    words = ["new_campaign", slug, "--stock", str(stock)]
    _manage(manage, *words, "--strategy", strategy, "--opens-in", str(opens_in), env=env)


def withdraw(manage: Path, slug: str) -> None:
    """Close a campaign that was made a moment ago and that the host does not know."""
    _manage(manage, "campaign", "close", slug, "--actor", "load run", env=os.environ)


def _manage(manage: Path, *words: str, env: Mapping[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, str(manage), *words],
        env={**env, "PYTHONPATH": str(manage.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        raise NoSale(f"`manage.py {' '.join(words)}` failed: {last}")


@dataclass(frozen=True, slots=True)
class Page:
    """The campaign as its page shows it."""

    stock: int
    opens_at: float
    ahead: float  # seconds by which the server's clock is ahead of ours
    took: float  # seconds; the shorter, the better `ahead` is known


def look(host: str, slug: str) -> Page:
    """Raises one of AWAY where nobody answers."""
    return min((_look(host, slug) for _ in range(_LOOKS)), key=lambda page: page.took)


def _look(host: str, slug: str) -> Page:
    before = time.time()
    said = get(host, f"/api/v1/campaigns/{slug}")
    after = time.time()
    ahead = _seconds(said["server_time"]) - (before + after) / 2
    return Page(int(said["stock"]), _seconds(said["opens_at"]), ahead, after - before)


def get(host: str, path: str, *, token: str = "") -> dict[str, Any]:
    with _asked(host, path, token) as response:
        return cast(dict[str, Any], json.load(response))


def _asked(host: str, path: str, token: str) -> Any:
    request = urllib.request.Request(host.rstrip("/") + path)  # noqa: S310 - the person's own host
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    return urllib.request.urlopen(request, timeout=_TIMEOUT_S)  # noqa: S310


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
