"""The end of a run: wait until all told claims are stored, query database and API, judge, write the
record. A run without a record and a verdict proves nothing.
"""

import json
import os
import random
import time
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import campaign
import gevent
import machine_info
import stored_coupons
import timeline
from answers import PLACED, strip_hyphens
from campaign import LoadRun
from figures import measure_run
from quantities import counted_noun
from token_pool import mint_token
from verdict import ClaimStatus, LoadFailure, Verdict, judge_answers

_POLL_S = 0.1


def judge_run(
    options: Namespace,
    host: str,
    run: LoadRun,
    configured: float | None,
    failures: Sequence[LoadFailure],
) -> dict[str, Any]:
    """The record of a run whose users have all left."""
    cpu_s = run.ledger.cpu_s
    answers, url = run.ledger.answers, os.environ.get("DATABASE_URL", "")
    told = sorted({one.user for one in answers if one.outcome in PLACED})
    stored_within_s = _wait(url, run, len(told), patience_s=options.storing)
    rows = stored_coupons.stored_rows(url, run.slug) if url else None
    asked_again = told if rows is None else random.sample(told, min(len(told), options.ask_back))
    statuses = [_claim_status(host, run, user) for user in asked_again]
    stock = campaign.read_campaign(host, run.slug).stock
    verdict = judge_answers(answers, rows, statuses, stock=stock, failures=failures)
    measured = measure_run(answers, run.window, configured=configured) | {
        "all_stored_within_s": stored_within_s,
        "watched_for_s": options.storing if url else None,
        "exceptions": sum(one.count for one in failures),
        "load_cpu_ms_per_ask": round(1000 * cpu_s / max(1, len(answers)), 3),
    }
    return _record(options, host, run, measured, verdict)


def _wait(url: str, run: LoadRun, told: int, *, patience_s: float) -> float | None:
    """Seconds from the last answer until all coupons are stored; None: not in time, or no
    database."""
    if not url:
        gevent.sleep(min(patience_s, 5))
        return None
    last = max((one.done for one in run.ledger.answers), default=run.elapsed_s)
    deadline = time.monotonic() + patience_s
    while stored_coupons.count_stored(url, run.slug) < told:
        if time.monotonic() > deadline:
            return None
        gevent.sleep(_POLL_S)
    return round(max(0.0, run.elapsed_s - last), 2)


def _claim_status(host: str, run: LoadRun, user: str) -> ClaimStatus:
    try:
        status = campaign.get_json(host, run.campaign_path + "/claims/me", token=mint_token(user))
    except OSError as error:
        return ClaimStatus(user, str(error), 0, "")
    return ClaimStatus(
        user, status["status"], status.get("place", 0), strip_hyphens(status.get("code", ""))
    )


def _record(
    options: Namespace, host: str, run: LoadRun, measured: dict[str, object], verdict: Verdict
) -> dict[str, Any]:
    return {
        "scenario": options.scenario,
        "campaign": run.slug,
        "target": host,
        "users": run.people,
        "stock": options.stock,
        "strategy": options.strategy,
        "opens_at": run.opens_at,
        **machine_info.describe_machine(),
        "figures": measured,
        "timeline": timeline.make_timeline(run.ledger.answers),
        "verdict": asdict(verdict) | {"well": verdict.is_correct},
    }


def write_record(record: dict[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=2) + "\n")


FINE, WRONG, FIGURE, UNKNOWN = "✓", "✗", "·", "?"  # a judgement; no judgement; not measured
Line = tuple[str, str, str]  # what, how much, and one of these marks


def report_lines(record: dict[str, Any]) -> list[Line]:
    """The lines of the printed report, the verdict first."""
    figures, verdict = record["figures"], record["verdict"]
    told, kept = verdict["told"], verdict["stored"]
    return [
        ("told = stored", f"{told:,} told, {kept:,} stored", FINE if told == kept else WRONG),
        ("claims queried afterwards", _people(verdict["asked_back"]), FIGURE),
        *((f"fault {number}", fault, WRONG) for number, fault in enumerate(verdict["faults"], 1)),
        ("rate", _rate(figures), FIGURE),
        ("sent late by the load generator", f"{figures['asked_late']:,}", FIGURE),
        ("CPU of the load generator", f"{figures['load_cpu_ms_per_ask']} ms per ask", FIGURE),
        ("all stored after the last answer", *_stored(figures)),
        *((group, *_outcome(group, figures)) for group in figures["outcomes"]),
    ]


def _stored(figures: dict[str, Any]) -> tuple[str, str]:
    within_s, watched_s = figures["all_stored_within_s"], figures["watched_for_s"]
    if watched_s is None:
        return "not measured: DATABASE_URL is not set", UNKNOWN
    if within_s is None:
        return f"not within {watched_s:g} s", WRONG
    return f"within {within_s} s", FINE


def _outcome(group: str, figures: dict[str, Any]) -> tuple[str, str]:
    """Users ended by an exception got no answer; they are counted in the error row only."""
    times, exceptions = figures["outcomes"][group], figures.get("exceptions", 0)
    if group != "error":
        return _times(times), FIGURE
    if exceptions:
        return f"{_times(times)}; {counted_noun(exceptions, 'exception')}", WRONG
    return _times(times), FIGURE if times["count"] else FINE


def _people(count: int) -> str:
    return counted_noun(count, "person", "people")


def _rate(figures: dict[str, Any]) -> str:
    configured = figures["configured_per_s"]
    wanted = "no fixed rate" if configured is None else f"{configured:,.0f}/s configured"
    return f"{wanted}, {figures['asked_per_s']:,}/s asked, {figures['answered_per_s']:,}/s answered"


def _times(times: dict[str, Any]) -> str:
    if not times["count"]:
        return "none"
    return (
        f"{times['count']:,}; mean {times['mean']:,} ms, p50 {times['p50']:,},"
        f" p95 {times['p95']:,}, p99 {times['p99']:,}, max {times['max']:,}"
    )
