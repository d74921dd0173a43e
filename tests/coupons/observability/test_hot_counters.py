"""Buffered counters of the hot path are exported within half a second, with any threads and
forks."""

import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from coupons.observability import hot_counters
from tests.conftest import CampaignMaker, Person


def metric_value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_a_claims_latency_is_told_by_the_kind_of_its_answer(open_campaign: CampaignMaker) -> None:
    open_campaign(stock=1)
    hot_counters.flush_counters()
    kinds = ("issued", "refused", "failed")
    before = [metric_value("coupon_admission_seconds_count", answer=kind) for kind in kinds]
    for name in ("jun", "jun", "sora"):
        Person(name).claims()
    hot_counters.count_claim("sale", "store_away", 0.3)
    hot_counters.flush_counters()
    after = [metric_value("coupon_admission_seconds_count", answer=kind) for kind in kinds]
    assert [now - then for now, then in zip(after, before, strict=True)] == [2, 1, 1]


def test_nothing_is_lost_between_threads() -> None:
    hot_counters.flush_counters()
    before = metric_value("coupon_claims_total", campaign="busy", outcome="admitted")

    def count_claims() -> None:
        for _ in range(5_000):
            hot_counters.count_claim("busy", "admitted", 0.001)

    threads = [threading.Thread(target=count_claims) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        hot_counters.flush_counters()
    hot_counters.flush_counters()
    assert (
        metric_value("coupon_claims_total", campaign="busy", outcome="admitted") == before + 20_000
    )


def test_the_writer_survives_what_it_could_not_write(monkeypatch: pytest.MonkeyPatch) -> None:
    hot_counters.flush_counters()
    failed, write = threading.Event(), hot_counters._write_claims

    def write_badly_once(buffer: Any) -> None:
        if not failed.is_set():
            failed.set()
            raise OSError("no space left on device")
        write(buffer)

    monkeypatch.setattr(hot_counters, "_write_claims", write_badly_once)
    before = metric_value("coupon_claims_total", campaign="full", outcome="admitted")
    hot_counters.count_claim("full", "admitted", 0.01)
    assert failed.wait(60)
    for _ in range(600):
        if metric_value("coupon_claims_total", campaign="full", outcome="admitted") == before + 1:
            return
        time.sleep(0.1)
    pytest.fail("nobody writes any more")


FORKED = """
import os, time, django
django.setup()
from coupons.observability import hot_counters, metrics
hot_counters.count_claim("sale", "admitted", 0.1)
if os.fork() == 0:
    hot_counters.count_claim("sale", "sold_out", 0.1)
    refused = metrics.CLAIMS.labels("sale", "sold_out")
    until = time.monotonic() + 60
    while not refused._value.get() and time.monotonic() < until:
        time.sleep(0.05)
    os._exit(0)  # so that nothing but the child's own thread can have written
os.wait()
"""


def test_a_forked_child_writes_its_own_counts_and_not_its_parents(tmp_path: Path) -> None:
    env = os.environ | {
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "config.settings",
    }  # fmt: skip
    subprocess.run([sys.executable, "-c", FORKED], env=env, check=True)
    page = (
        "import django; django.setup();"
        " from config.metrics import exposition as e; print(e.metrics_page().decode())"
    )
    done = subprocess.run(
        [sys.executable, "-c", page], env=env, check=True, capture_output=True, text=True
    )
    counted = re.findall(r'coupon_claims_total{campaign="sale",outcome="(\w+)"} (\S+)', done.stdout)
    assert sorted(counted) == [("admitted", "1.0"), ("sold_out", "1.0")]
