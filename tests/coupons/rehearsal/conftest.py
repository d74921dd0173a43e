"""A site on which to rehearse: a web process and a worker, with a broker of their own, which tests
don't empty."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.apps import apps
from django.utils import timezone

from coupons.models import Campaign, EventKind, Rehearsal
from coupons.rehearsal import start, steps, work
from coupons.rehearsal.start import Plan
from coupons.store import store
from tests.config.test_consumer import Consumer
from tests.config.waiting import wait_until
from tests.conftest import CampaignMaker
from tests.harness import servers, services

# What a rehearsal leaves: its own row, and its events on the original.
LEFT = {"Rehearsal": 1, "CampaignEvent": 2}


class Site(NamedTuple):
    """`worker`: the worker's process id. `more`: starts another web process of the site, with these
    settings; yields its address."""

    url: str
    worker: int
    environment: dict[str, str]
    folder: Path


def ready_url(port: int) -> str:
    wait_until(lambda: Consumer(port).send_get("/readyz")[0] == 200)
    return f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def site(
    shared_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    with ExitStack() as stack:
        broker = stack.enter_context(servers.start_redis(folder / "broker"))
        patient = {"REDIS_TIMEOUT_S": "2", "SHED_AFTER_S": "0"}  # on a busy machine
        environment = shared_environment | patient | {"CELERY_BROKER_URL": broker}
        worker = stack.enter_context(services.start_worker(environment, folder))
        port = stack.enter_context(services.start_web(environment, folder))
        yield Site(ready_url(port), worker, environment, folder)


@pytest.fixture
def other_web(site: Site) -> Iterator[Callable[..., str]]:
    """Start another web process of the site, with other settings. Returns its address."""
    with ExitStack() as stack:

        def start_another(**environment: str) -> str:
            whole = site.environment | environment
            name = f"web-{'-'.join(environment).lower()}"
            return ready_url(stack.enter_context(services.start_web(whole, site.folder, name=name)))

        yield start_another


@pytest.fixture
def healthy() -> None:
    """Beat and a worker answered just now."""
    store().wakeups.mark_canary()
    store().wakeups.mark_sweep()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits long for what will not come. For what comes, a busy machine takes its time."""
    monkeypatch.setattr(steps, "LONGEST_STORING_S", 5.0)


@pytest.fixture
def rehearse(site: Site, healthy: None, open_campaign: CampaignMaker) -> Callable[..., Rehearsal]:
    """Rehearse a campaign that opens in two hours; `fields` are the campaign's."""

    def hold(
        *,
        people: int = 30,
        per_second: int = 60,
        url: str = "",
        segments: tuple[str, ...] = (),
        before: Callable[[], object] = lambda: None,
        **fields: Any,
    ) -> Rehearsal:
        opens_at = timezone.now() + timedelta(hours=2)
        window = {"opens_at": opens_at, "closes_at": opens_at + timedelta(hours=1)}
        open_campaign("sale", **{"stock": 20} | window | fields)
        before()
        plan = Plan(people, per_second, urls=(url or site.url,), segments=segments, beside=True)
        rehearsal = start.begin_rehearsal("sale", plan, actor="Mina")
        work.run_here(rehearsal, tell=lambda _: None)
        return rehearsal

    return hold


def reds(rehearsal: Rehearsal) -> list[str]:
    return [line["name"] for line in rehearsal.lines if line["light"] == "red"]


def texts(rehearsal: Rehearsal) -> str:
    """The verdict's red lines, in English."""
    return "\n".join(
        f"{line['name']}: {line['seen']['en']} -> {line['do']['en']}"
        for line in rehearsal.lines
        if line["light"] != "green"
    )


def row_counts() -> dict[str, int]:
    """Rows by model. The audit log is never taken back."""
    models = apps.get_app_config("coupons").get_models()
    counts = {model.__name__: model._base_manager.count() for model in models}
    del counts["AuditEvent"]
    return counts


def keys_of(slug: str) -> list[bytes]:
    return [key for key in store().client.scan_iter(count=1000) if slug.encode() in key]


def assert_no_trace(rehearsal: Rehearsal) -> None:
    assert keys_of(rehearsal.shadow) == []
    assert rehearsal.shadow not in store().campaigns.installed_slugs()
    assert not Campaign.objects.filter(slug=rehearsal.shadow).exists()
    assert rehearsal.state == Rehearsal.State.DONE
    kinds = rehearsal.campaign.events.values_list("kind", flat=True)
    assert list(kinds[:2]) == [EventKind.REHEARSED, EventKind.REHEARSAL_BEGAN]
