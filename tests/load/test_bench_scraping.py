"""The cost of a scrape, computed from two blocks."""

from pathlib import Path

import pytest
import yaml

from tests.bench import scrape_cost
from tests.bench.scrape_cost import Block, Pair

PROMETHEUS = Path(__file__).parents[2] / "ansible/roles/monitoring/files/prometheus/prometheus.yml"


def test_a_scrape_that_stops_the_site_for_half_a_second_takes_a_tenth_of_five() -> None:
    quiet = Block(seconds=0.5, claims=1000, cpu_s=0.4)
    assert Pair(Block(1.0, 1000, 0.4), quiet).lost_share == pytest.approx(0.1)
    assert Pair(Block(0.5, 1000, 0.8), quiet).extra_cpu_share == pytest.approx(0.1)
    assert Pair(quiet, quiet).lost_share == Pair(quiet, quiet).extra_cpu_share == 0


def test_prometheus_asks_as_often_as_the_bench_counts() -> None:
    asked = yaml.safe_load(PROMETHEUS.read_text())["global"]["scrape_interval"]
    assert asked == f"{scrape_cost.EVERY_S:g}s"
