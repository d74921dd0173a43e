"""The logs of the running services in production mode: JSON objects only, from the first line to
the last, and none for a refusal."""

import json
from pathlib import Path
from typing import Any

import pytest

from coupons.models import Coupon
from coupons.store import keys, store
from tests.config.test_tracing import post_claim
from tests.config.waiting import wait_until
from tests.conftest import CampaignMaker
from tests.harness import services

pytestmark = pytest.mark.slow

SERVICES = ("web", "worker", "beat", "consumer")
JSON_GRANIAN = ("--log-config", "config/granian.json")


def json_lines(log: Path) -> list[dict[str, Any]]:
    """The lines of the log as objects. Raises ValueError for a line that is no JSON."""
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_every_line_of_every_service_is_json(
    open_campaign: CampaignMaker, child_environment: dict[str, str], tmp_path: Path
) -> None:
    open_campaign(stock=1)
    settings = child_environment | {"LOG_JSON": "yes", "LOG_LEVEL": "INFO"}
    info = ("--loglevel", "INFO")
    schedule = ("--schedule", str(tmp_path / "schedule"))
    with (
        services.start_web(settings, tmp_path, *JSON_GRANIAN) as port,
        services.start_worker(settings, tmp_path, *info),
        services.start_beat(settings, tmp_path, *info, *schedule),
        services.start_consumer(settings, tmp_path),
    ):
        assert post_claim(port, "mina")[0] == 202
        wait_until(Coupon.objects.exists)
        before = len(json_lines(tmp_path / "web.log"))
        assert {post_claim(port, f"late-{number}")[0] for number in range(30)} == {409}
        assert len(json_lines(tmp_path / "web.log")) == before
        store().client.delete(
            keys.campaign_keys("sale").gate
        )  # closed for repair, so that something is logged
        wait_until(lambda: post_claim(port, "sora", **{"X-Request-Id": "shop-9"})[0] == 503)
    lines = {name: json_lines(tmp_path / f"{name}.log") for name in SERVICES}
    assert [line["request_id"] for line in lines["web"] if "request_id" in line] == ["shop-9"]
    loggers = {name: {line["logger"] for line in of} for name, of in lines.items()}
    assert loggers["web"] >= {"_granian", "_granian.serve", "coupons.api.problems"}
    assert loggers["worker"] >= {"celery.apps.worker", "celery.app.trace"}
    # Granian's main process writes lines and counts nothing: only its worker has files.
    pids = {line["process"] for line in lines["web"] if line["logger"] == "_granian.serve"}
    counted = {int(f.stem.rpartition("_")[2]) for f in (tmp_path / "web").glob("counter_*.db")}
    assert counted <= pids
    assert loggers["beat"] >= {"celery.beat", "config.beat"}
