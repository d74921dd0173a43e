"""The campaign of a run: created for it, or an existing one."""

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

from arrivals import Stage
from figures import Window
from ledger import Ledger
from site_address import NoAddress, site_address
from token_pool import TokenPool, mint_token

_TIMEOUT_S = 10
PREFIX = "load-"  # of the slugs of campaigns that load runs create
_NOT_THERE = "no-such-campaign"
AWAY = (OSError, HTTPException, ValueError)  # no answer, or an unreadable one
_LONGEST_PROBLEM = 65_536  # bytes
_KNOWN_S = 10  # a web process may remember for FACTS_TTL_S (1 s) which campaigns there are
_READINGS = 5  # the fastest reading gives the best estimate of the clocks' difference


@dataclass(frozen=True, slots=True)
class LoadRun:
    """The parameters of a run in one load process. `opens_at`: Unix seconds, this machine's clock.

    `people` arrive according to `stages` within `seconds` after the opening; claims due before
    `window` are the warm-up. `merchants_url` and `shop_key`: of a scenario that redeems.
    """

    slug: str
    opens_at: float
    people: int
    seconds: float
    stages: tuple[Stage, ...]
    window: Window
    tokens: TokenPool
    merchants_url: str = ""
    shop_key: str = ""
    ledger: Ledger = field(default_factory=Ledger)

    @property
    def elapsed_s(self) -> float:
        """Seconds after the opening; negative before it."""
        return time.time() - self.opens_at

    @property
    def campaign_path(self) -> str:
        return f"/api/v1/campaigns/{self.slug}"


class NoCampaign(Exception):
    """There is no campaign to claim from. `str(error)` is the reason, in one line."""


def demand_site(host: str) -> str:
    """The site's address. Raises NoCampaign unless the users' API of a coupon site answers there
    and accepts our tokens. Checked before a campaign is created: with a wrong host it would be left
    on the right site."""
    try:
        host = site_address(host)
    except NoAddress as error:
        raise NoCampaign(str(error)) from None
    page = f"/api/v1/campaigns/{_NOT_THERE}"
    reply = _fetch_answer(host, page)
    if reply != _UNKNOWN:  # the operators' port answers with problem documents, too
        answer = ", ".join(filter(None, (reply.kind, reply.code)))
        raise NoCampaign(
            f"{host} is not the users' API of a coupon site: it answers {reply.status} ({answer})"
            f" to {page}."
        )
    me = f"{page}/claims/me"
    if _fetch_answer(host, me, mint_token(_NOT_THERE)).status == HTTPStatus.UNAUTHORIZED:
        raise NoCampaign(
            f"{host} does not accept the tokens that are signed here: JWT_HS256_SECRET, JWT_ISSUER"
            " or JWT_AUDIENCE differ from that site's."
        )
    return host


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    kind: str
    code: str  # of a problem document


_UNKNOWN = _Answer(404, "application/problem+json", "unknown_campaign")


def _fetch_answer(host: str, path: str, token: str = "") -> _Answer:
    """Raises NoCampaign if there is no answer."""
    try:
        with _asked(host, path, token) as response:
            return _Answer(response.status, response.headers.get_content_type(), "")
    except HTTPError as error:
        with error:
            return _Answer(error.code, error.headers.get_content_type(), _code(error))
    except AWAY as error:
        raise NoCampaign(f"no site answers at {host}: {getattr(error, 'reason', error)}.") from None


def _code(error: HTTPError) -> str:
    try:
        problem = json.loads(error.read(_LONGEST_PROBLEM))
        return str(problem["code"])
    except (*AWAY, KeyError, TypeError):
        return ""


def create_campaign(
    manage: Path,
    slug: str,
    *,
    stock: int,
    strategy: str,
    opens_in: float,
    merchant: str = "",
    env: Mapping[str, str] = os.environ,
) -> None:
    """Create and schedule a campaign with the site's `manage.py`, in the site's environment."""
    words = ["new_campaign", slug, "--stock", str(stock)]
    words += ["--merchant", merchant] if merchant else []
    _manage(manage, *words, "--strategy", strategy, "--opens-in", str(opens_in), env=env)


def create_shop(manage: Path, slug: str) -> str:
    """Create a merchant with the site's `manage.py`; returns a key with which it redeems."""
    _manage(manage, "merchant", "create", slug, env=os.environ)
    words = ["merchant", "key", slug, "--name", "load", "--scopes", "read,redeem", "--days", "1"]
    return str(json.loads(_manage(manage, *words, env=os.environ))["key"])


def close_campaign(manage: Path, slug: str, why: str) -> None:
    """Close a campaign that was just created and that the host does not know. Raises NoCampaign
    with the reason if it can't be closed."""
    words = ["campaign", "close", slug, "--actor", "load run", "--yes"]
    try:
        _manage(manage, *words, env=os.environ)
    except NoCampaign as error:
        raise NoCampaign(
            f"{why} It was created for this run and can't be closed: {error}"
        ) from None


def _manage(manage: Path, *words: str, env: Mapping[str, str]) -> str:
    """Returns what it printed."""
    done = subprocess.run(
        [sys.executable, str(manage), *words],
        env={**env, "PYTHONPATH": str(manage.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise NoCampaign(f"`manage.py {' '.join(words)}` failed: {last}")
    return done.stdout


@dataclass(frozen=True, slots=True)
class CampaignPage:
    """The campaign as the API shows it."""

    stock: int
    opens_at: float
    ahead: float  # seconds by which the server's clock is ahead of ours
    took: float  # seconds; the shorter, the more exact `ahead` is


def read_campaign(host: str, slug: str) -> CampaignPage:
    """The campaign's page. Raises one of AWAY if there is no readable answer."""
    return min((_read_page(host, slug) for _ in range(_READINGS)), key=lambda page: page.took)


def read_new_campaign(host: str, slug: str) -> CampaignPage:
    """The page of a campaign that was created just now, which a web process may not know yet.
    Raises one of AWAY if there is no readable answer, or still none within _KNOWN_S."""
    deadline = time.monotonic() + _KNOWN_S
    while True:
        try:
            return read_campaign(host, slug)
        except HTTPError as error:
            with error:
                if error.code != HTTPStatus.NOT_FOUND or time.monotonic() > deadline:
                    raise
        time.sleep(0.1)


def _read_page(host: str, slug: str) -> CampaignPage:
    before = time.time()
    body = get_json(host, f"/api/v1/campaigns/{slug}")
    after = time.time()
    try:
        ahead = _seconds(body["server_time"]) - (before + after) / 2
        return CampaignPage(int(body["stock"]), _seconds(body["opens_at"]), ahead, after - before)
    except (KeyError, TypeError):
        raise ValueError("the response is not a campaign") from None


def get_json(host: str, path: str, *, token: str = "") -> dict[str, Any]:
    with _asked(host, path, token) as response:
        return cast(dict[str, Any], json.load(response))


def _asked(host: str, path: str, token: str) -> Any:
    request = urllib.request.Request(host + path)  # noqa: S310 - the person's own host
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    return _OPENER.open(request, timeout=_TIMEOUT_S)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Do not follow redirects: the simulated users do not, either."""

    def redirect_request(self, *_: Any) -> None:
        return None


# Without a proxy, as the simulated users' requests.
_OPENER = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
