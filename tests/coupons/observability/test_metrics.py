"""The vocabulary itself: bounded labels, names that say what they are."""

import random

import pytest
from prometheus_client import CollectorRegistry, Histogram

from coupons.observability import metrics


@pytest.fixture
def few_campaigns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "MOST_CAMPAIGNS", 2)
    monkeypatch.setattr(metrics, "_known", set())


@pytest.mark.usefixtures("few_campaigns")
def test_a_process_counts_so_many_campaigns_by_name_and_the_rest_together() -> None:
    said = [
        metrics.campaign_label(name) for name in ("spring", "summer", "autumn", "spring", "winter")
    ]
    assert said == ["spring", "summer", "other", "spring", "other"]


def made() -> Histogram:
    return Histogram("made_seconds", "Made.", registry=CollectorRegistry(), buckets=(0.1, 1, 5))


@pytest.mark.parametrize("values", [[], [0.1], [0, 0.1, 0.11, 1, 7, 7], [9]])
def test_many_values_at_once_count_as_one_by_one(values: list[float]) -> None:
    together, apart = made(), made()
    metrics.observe_all(together, values)
    for value in values:
        apart.observe(value)
    assert samples(together) == samples(apart)


def test_so_do_values_at_random() -> None:
    chance = random.Random(7)
    values = sorted(chance.choice([0.1, 1, 5, chance.uniform(0, 9)]) for _ in range(500))
    together, apart = made(), made()
    metrics.observe_all(together, values)
    for value in values:
        apart.observe(value)
    assert samples(together) == pytest.approx(samples(apart))


def samples(histogram: Histogram) -> dict[tuple[str, str], float]:
    found = [sample for metric in histogram.collect() for sample in metric.samples]
    return {
        (sample.name, sample.labels.get("le", "")): sample.value
        for sample in found
        if not sample.name.endswith("_created")
    }
