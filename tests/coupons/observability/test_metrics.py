"""The declared metrics: bounded labels, and names that say what they are."""

import random

import pytest
from prometheus_client import REGISTRY, CollectorRegistry, Histogram

from coupons.observability import metrics
from tests.conftest import CampaignMaker, Person


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


def new_histogram() -> Histogram:
    return Histogram("made_seconds", "Made.", registry=CollectorRegistry(), buckets=(0.1, 1, 5))


@pytest.mark.parametrize("values", [[], [0.1], [0, 0.1, 0.11, 1, 7, 7], [9]])
def test_many_values_at_once_count_as_one_by_one(values: list[float]) -> None:
    together, apart = new_histogram(), new_histogram()
    metrics.observe_all(together, values)
    for value in values:
        apart.observe(value)
    assert bucket_samples(together) == bucket_samples(apart)


def test_so_do_values_at_random() -> None:
    chance = random.Random(7)
    values = sorted(chance.choice([0.1, 1, 5, chance.uniform(0, 9)]) for _ in range(500))
    together, apart = new_histogram(), new_histogram()
    metrics.observe_all(together, values)
    for value in values:
        apart.observe(value)
    assert bucket_samples(together) == pytest.approx(bucket_samples(apart))


def bucket_samples(histogram: Histogram) -> dict[tuple[str, str], float]:
    found = [sample for metric in histogram.collect() for sample in metric.samples]
    return {
        (sample.name, sample.labels.get("le", "")): sample.value
        for sample in found
        if not sample.name.endswith("_created")
    }


def value_of(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_responses_are_counted_by_status_and_probes_are_not(open_campaign: CampaignMaker) -> None:
    open_campaign()
    statuses = ("202", "401", "200")
    before = [value_of("coupon_responses_total", status=status) for status in statuses]
    jun = Person("jun")
    jun.claims()
    jun.client.get("/livez")
    jun.client.get("/metrics")
    jun.client.get("/api/v1/coupons", headers={"Authorization": ""})
    after = [value_of("coupon_responses_total", status=status) for status in statuses]
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 1, 0]


def test_statements_are_timed_and_connections_counted(open_campaign: CampaignMaker) -> None:
    before = value_of("coupon_database_statement_seconds_count", end="done")
    open_campaign()
    assert value_of("coupon_database_statement_seconds_count", end="done") > before
