"""The steps that release while users claim."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from tests.rehearsal import onhosts, opening, releases
from tests.rehearsal.deployment import Deployment
from tests.rehearsal.playbooks import Recap
from tests.rehearsal.record import Record, Wrong

LONGEST_S = 900  # users enough for a release on a busy machine


def release(it: Deployment, record: Record) -> None:
    """A release and a rollback while users claim."""
    new = releases.next_release(it.release)
    with record.step("deploy.yml during an opening") as step:
        step.found = while_people_claim(it, partial(it.books.run, "deploy", app_version=new))
        _insist_on_release(it, new)
    with record.step("rollback.yml during an opening") as step:
        step.found = while_people_claim(it, partial(it.books.run, "rollback", app_version=None))
        _insist_on_release(it, it.release)


def while_people_claim(it: Deployment, operation: Callable[[], Recap]) -> str:
    """Run the operation while users claim. Returns a sentence. Raises Wrong if any request
    failed."""
    with opening.play_steadily(it.sales, longest_s=LONGEST_S) as finish:
        time.sleep(1)
        done = operation()
        it.restore_balancer()
        time.sleep(1)
    played = finish()
    onhosts.insist_on_recap(done)
    summary = f"{played.summary()}, {len(played.failed)} failed"
    if played.failed:
        kinds = {f"{one.status} {one.outcome}" for one in played.failed}
        raise Wrong(f"it was felt: {summary}: {', '.join(sorted(kinds))}")
    played.insist()
    return summary


def _insist_on_release(it: Deployment, version: str) -> None:
    for host in (*it.of_role("api"), *it.of_role("consumer")):
        current = host.run("readlink", "/opt/coupon/current").stdout.strip()
        if not current.endswith(version):
            raise Wrong(f"{host.name} runs {current}, not {version}")
