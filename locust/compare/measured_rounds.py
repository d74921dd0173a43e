"""One measurement of a design by Locust or `wrk`. Each ends with the check told = stored."""

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import campaign
import stored_coupons
from contenders import TOP, Contender
from quantities import counted_noun
from token_pool import TokenPool

CONNECTIONS = 64  # of wrk; also the seats of the saturated measurement
STORING_S = 90
WRK_IS_FASTER = 3  # than Locust: factor for stock and tokens
Round = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Times:
    """Durations in seconds."""

    warm_up: float
    measured: float
    gather: float = 5.0


def by_locust(
    who: Contender, scenario: str, users: int, times: Times, *, folder: Path, processes: int = 1
) -> Round:
    """A round from Locust's record. Raises RuntimeError if the run has written none."""
    record = folder / f"{scenario}-{who.key}-{secrets.token_hex(3)}.json"
    stock = _stock(who, times)
    ready = stock // processes if scenario == "saturate" else users * 4
    command = [
        sys.executable, "-m", "locust", "-f", str(TOP / "locust" / "locustfile.py"), "--headless",
        "--only-summary", "--host", who.url, "--scenario", scenario, "--users", str(users),
        "--stock", str(stock), "--strategy", who.strategy, "--manage", str(who.manage),
        "--seconds", str(times.measured), "--warm-up", str(times.warm_up),
        "--gather", str(times.gather), "--storing", str(STORING_S), "--patience", "60",
        "--ask-back", "0", "--connections", "0", "--ready", str(ready), "--record", str(record),
        *(["--peer"] if who.is_peer else []),
        *(["--processes", str(processes)] if processes > 1 else []),
    ]  # fmt: skip
    env = os.environ | who.env | {"PYTHONPATH": str(TOP)}
    with record.with_suffix(".log").open("wb") as log:
        status = subprocess.run(command, env=env, stdout=log, stderr=log, check=False).returncode
    if not record.exists():
        raise RuntimeError(record.with_suffix(".log").read_text()[-3000:])
    return _read(json.loads(record.read_text()), status)


def _stock(who: Contender, times: Times, *, faster: int = 1) -> int:
    return int(faster * who.most_per_s * (times.warm_up + times.measured + 1))


def _read(record: dict[str, Any], status: int) -> Round:
    figures, verdict = record["figures"], record["verdict"]
    asks = figures["asks_in_all"]
    return {
        "rps": figures["admitted_per_s"],
        "ms": figures["outcomes"]["admitted"],
        "not_admitted": sum(asks.values()) - asks.get("admitted", 0),
        "told": verdict["told"],
        "stored": verdict["stored"],
        "stored_within_s": figures["all_stored_within_s"],
        "load_cpu_ms_per_ask": figures["load_cpu_ms_per_ask"],
        "faults": verdict["faults"] if status else [],
    }


def by_wrk(who: Contender, times: Times, *, folder: Path) -> Round:
    slug = f"wrk-{who.key.lower()}-{secrets.token_hex(3)}"
    stock = _stock(who, times, faster=WRK_IS_FASTER)
    tokens = folder / f"{slug}.tokens"
    env = os.environ | who.env
    tokens.write_text("".join(f"{token}\n" for token in signed_tokens(env, stock)))
    campaign.create_campaign(
        who.manage, slug, stock=stock, strategy=who.strategy, opens_in=0, env=env
    )
    warm = _wrk(who, slug, tokens, times.warm_up, skip=0)
    # A multiple of the two threads: each takes every second line.
    run = _wrk(who, slug, tokens, times.measured, skip=2 * (warm["answers"] + CONNECTIONS))
    told = sum(part["answers"] - part["refused"] for part in (warm, run))
    kept = _stored(who, slug, told)
    tokens.unlink()
    return _wrk_round(run, told, kept)


def signed_tokens(env: Mapping[str, str], count: int) -> list[str]:
    """Tokens of so many people, who are the same in every round: to sign anew takes longer than to
    measure (RS256: 0.7 ms each)."""
    made = _made_with(env.get("JWT_SIGNING_KEY_FILE", ""))
    pool = TokenPool(f"wrk-{secrets.token_hex(3)}", env)
    made += [pool.next_user()[1] for _ in range(count - len(made))]
    return made[:count]


@cache
def _made_with(signing_key_file: str) -> list[str]:
    """The tokens signed with this key so far."""
    return []


def _wrk_round(run: Round, told: int, kept: int) -> Round:
    """wrk closes connections with pending requests when a run ends: those were not told."""
    cut = 2 * CONNECTIONS
    faults = [] if told <= kept <= told + cut else [f"{told} told, but {kept} stored."]
    if run["lost"]:
        faults.append(f"{counted_noun(run['lost'], 'request was', 'requests were')} lost.")
    return {
        "rps": round((run["answers"] - run["refused"]) / run["seconds"], 1),
        "ms": {name: run[name] for name in ("mean", "p50", "p90", "p99", "max")},
        "not_admitted": run["refused"],
        "told": told,
        "stored": kept,
        "faults": faults,
    }


def _wrk(who: Contender, slug: str, tokens: Path, seconds: float, *, skip: int) -> Round:
    command = [
        "wrk", "-t2", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "--timeout", "10s",
        "-s", str(Path(__file__).parent / "tokens.lua"),
        f"{who.url}/api/v1/campaigns/{slug}/claims", "--", str(tokens), str(skip), "2",
    ]  # fmt: skip
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    result = next(row for row in said.splitlines() if row.startswith("RESULT "))
    return dict(json.loads(result.removeprefix("RESULT ")))


def _stored(who: Contender, slug: str, told: int) -> int:
    """The number of stored coupons once the queue is drained."""
    deadline, before = time.monotonic() + STORING_S, -1
    while time.monotonic() < deadline:
        kept = stored_coupons.count_stored(who.env["DATABASE_URL"], slug)
        if kept >= told and kept == before:
            return kept
        before = kept
        time.sleep(0.5)
    return before
