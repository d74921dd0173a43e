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
from pathlib import Path
from typing import Any, cast

from figures import Window
from ledger import Ledger
from line import Line
from stages import Stage

_TIMEOUT_S = 10
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
    command = [sys.executable, str(manage), "new_campaign", slug, "--stock", str(stock)]
    command += ["--strategy", strategy, "--opens-in", str(opens_in)]
    done = subprocess.run(
        command,
        env={**env, "PYTHONPATH": str(manage.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[1:])}: {done.stderr[-1000:]}")


@dataclass(frozen=True, slots=True)
class Page:
    """The campaign as its page shows it."""

    stock: int
    opens_at: float
    ahead: float  # seconds by which the server's clock is ahead of ours
    took: float  # seconds; the shorter, the better `ahead` is known


def look(host: str, slug: str) -> Page:
    """Raises OSError where nobody answers."""
    return min((_look(host, slug) for _ in range(_LOOKS)), key=lambda page: page.took)


def _look(host: str, slug: str) -> Page:
    before = time.time()
    said = get(host, f"/api/v1/campaigns/{slug}")
    after = time.time()
    ahead = _seconds(said["server_time"]) - (before + after) / 2
    return Page(int(said["stock"]), _seconds(said["opens_at"]), ahead, after - before)


def get(host: str, path: str, *, token: str = "") -> dict[str, Any]:
    request = urllib.request.Request(host.rstrip("/") + path)  # noqa: S310 - the person's own host
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:  # noqa: S310
        return cast(dict[str, Any], json.load(response))


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
