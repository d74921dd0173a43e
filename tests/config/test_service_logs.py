"""What the running services write, as production has them: JSON objects and nothing else, from the
first line to the last; and not one of them for a refusal."""

import json
from pathlib import Path
from typing import Any

import pytest

from coupons.models import Coupon
from coupons.store import keys, store
from tests import services
from tests.config.test_tracing import claim, until
from tests.conftest import CampaignMaker

pytestmark = pytest.mark.slow

SERVICES = ("web", "worker", "beat", "consumer")
JSON_GRANIAN = ("--log-config", "config/granian.json")


def json_lines(log: Path) -> list[dict[str, Any]]:
    """Raises ValueError for a line that is none."""
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_every_line_of_every_service_is_json(
    open_campaign: CampaignMaker, child_environment: dict[str, str], tmp_path: Path
) -> None:
    open_campaign(stock=1)
    told = child_environment | {"LOG_JSON": "yes", "LOG_LEVEL": "INFO"}
    info = ("--loglevel", "INFO")
    schedule = ("--schedule", str(tmp_path / "schedule"))
    with (
        services.web(told, tmp_path, *JSON_GRANIAN) as port,
        services.worker(told, tmp_path, *info),
        services.beat(told, tmp_path, *info, *schedule),
        services.consumer(told, tmp_path),
    ):
        assert claim(port, "mina")[0] == 202
        until(Coupon.objects.exists)
        before = len(json_lines(tmp_path / "web.log"))
        assert {claim(port, f"late-{number}")[0] for number in range(30)} == {409}
        assert len(json_lines(tmp_path / "web.log")) == before
        store().client.delete(
            keys.campaign_keys("sale").gate
        )  # closed for repair: something to be said
        until(lambda: claim(port, "sora", **{"X-Request-Id": "shop-9"})[0] == 503)
    said = {name: json_lines(tmp_path / f"{name}.log") for name in SERVICES}
    assert [line["request_id"] for line in said["web"] if "request_id" in line] == ["shop-9"]
    loggers = {name: {line["logger"] for line in of} for name, of in said.items()}
    assert loggers["web"] >= {"_granian", "_granian.serve", "coupons.api.problems"}
    assert loggers["worker"] >= {"celery.apps.worker", "celery.app.trace"}
    # Granian's main process writes lines and counts nothing: only its worker has files.
    pids = {line["process"] for line in said["web"] if line["logger"] == "_granian.serve"}
    counted = {int(f.stem.rpartition("_")[2]) for f in (tmp_path / "web").glob("counter_*.db")}
    assert counted <= pids
    assert loggers["beat"] >= {"celery.beat", "config.beat"}
