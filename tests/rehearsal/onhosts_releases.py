"""The steps that release while users claim."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.harness import layout_release
from tests.rehearsal import deployment, onhosts, opening, releases
from tests.rehearsal.deployment import Deployment
from tests.rehearsal.playbooks import Recap
from tests.rehearsal.record import Record, Wrong

PAGE_EVERY_S = 0.25
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


def upgrade(it: Deployment, record: Record) -> None:
    """15.8: a release that changes what Redis holds of campaigns, from the release before. There is
    no way back, so no step that needs the first release can follow."""
    new = releases.release_changing_redis(it.release)
    with record.step("deploy.yml during an opening, to a release that changes Redis") as step:
        deploy = partial(it.books.run, "deploy", log="deploy-upgrade", app_version=new)
        summary = while_people_claim(it, deploy)
        _insist_on_release(it, new)
        step.found = f"{summary}; {_insist_on_layout(it)}"
    with record.step("rollback.yml to the release before that change") as step:
        done = it.books.run("rollback", log="rollback-refused", app_version=None)
        if done.ok or Path(layout_release.STEP_FILE).name not in done.output:
            raise Wrong(f"rollback.yml does not refuse the way back:\n{done.end}")
        if not deployment.service_answers(it.sales.url):
            raise Wrong("a rollback that was refused took the service down")
        step.found = "refused, and the service goes on"


def _insist_on_layout(it: Deployment) -> str:
    """Every campaign has the new layout. Returns what the command says."""
    done = it.of_role("api")[0].run("/usr/local/bin/coupon-manage", "upgrade_redis", "--check")
    sentence = done.stdout.strip()
    if done.returncode or not sentence.endswith(f"have layout {layout_release.LAYOUT}."):
        raise Wrong(f"campaigns were not upgraded: {sentence} {done.stderr[-500:]}")
    return sentence


@contextmanager
def _asking_pages(url: str) -> Iterator[list[int]]:
    """Ask the pages' door for a page that is not there, again and again. Yields the statuses so
    far; 0 is no answer."""
    statuses, over = list[int](), threading.Event()

    def ask() -> None:
        while not over.wait(PAGE_EVERY_S):
            try:
                statuses.append(deployment.ask_status(url))
            except OSError:
                statuses.append(0)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield statuses
    finally:
        over.set()
        asking.join()


def while_people_claim(it: Deployment, operation: Callable[[], Recap]) -> str:
    """Run the operation while users claim. Returns a sentence. Raises Wrong if any request
    failed."""
    with (
        opening.play_steadily(it.sales, longest_s=LONGEST_S) as finish,
        _asking_pages(it.sales.url + "/events/none") as statuses,
    ):
        time.sleep(1)
        done = operation()
        it.restore_balancer()
        time.sleep(1)
    played = finish()
    onhosts.insist_on_recap(done)
    summary = f"{played.summary()}, {len(played.failed)} failed; pages: {len(statuses)}"
    if set(statuses) != {404}:
        raise Wrong(f"it was felt by who loaded a page: {sorted(set(statuses))}; {summary}")
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
