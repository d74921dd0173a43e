"""A failure that goes on is one line in the log, and a count (issue 14, part 10)."""

import logging
import time
from typing import Any

import pytest

from coupons import tasks
from coupons.campaigns.fault_isolation import report_failure
from coupons.errors import StoreError
from coupons.issuing.drain import drain
from coupons.observability import lasting_failures, metrics
from coupons.observability.lasting_failures import LastingFailures
from coupons.observability.metrics import Work
from coupons.store import keys, store
from tests.conftest import CampaignMaker, Settings
from tests.harness import damaged_keys


def logged_errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [line.getMessage() for line in caplog.records if line.levelno == logging.ERROR]


def test_14_10_a_damaged_queue_is_logged_once_and_counted_every_time(
    open_campaign: CampaignMaker, caplog: pytest.LogCaptureFixture
) -> None:
    open_campaign()
    damaged_keys.damage_campaign("sale", "queue is a string")
    counter: Any = metrics.CAMPAIGN_FAILURES.labels("sale", Work.SWEEP)
    before = counter._value.get()
    for _ in range(5):
        tasks.sweep()
    begins = [line.partition(" failed")[0] for line in logged_errors(caplog)]
    assert sorted(begins) == ["state of campaign sale", "sweep of campaign sale"]
    assert counter._value.get() == before + 5


def test_14_10_each_other_failure_and_each_return_is_a_line(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        report_failure("sale", Work.DRAIN, StoreError("WRONGTYPE"))
        report_failure("sale", Work.DRAIN, StoreError("NOGROUP"))
        report_failure("sale", Work.SWEEP, StoreError("WRONGTYPE"))
        report_failure("other", Work.DRAIN, StoreError("WRONGTYPE"))
    assert len(logged_errors(caplog)) == 4
    monkeypatch.setattr(lasting_failures, "ENDED_S", 0)  # as if it had not been seen for a minute
    report_failure("sale", Work.DRAIN, StoreError("WRONGTYPE"))
    assert logged_errors(caplog)[4:] == [
        "drain of campaign sale failed: StoreError('WRONGTYPE') (and 2 times since its last line)"
    ]


def test_14_claims_that_can_not_be_parked_are_one_line_while_that_goes_on(
    open_campaign: CampaignMaker,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
) -> None:
    """Every failed drain reads the same claims again: two lines every six seconds, for each."""
    settings.DRAIN_TAKE_OVER_MS = 1
    open_campaign()
    for _ in range(3):
        store().client.xadd(keys.campaign_keys("sale").queue, {"no": "claim"})
    damaged_keys.damage_campaign("sale", "parked is a string")
    for _ in range(4):
        with pytest.raises(StoreError, match="neither stored nor parked"):
            drain("sale", consumer="one")
        time.sleep(0.01)  # until the claims may be taken over
    assert len(logged_errors(caplog)) == 1, logged_errors(caplog)
    monkeypatch.setattr(lasting_failures, "REMIND_S", 0)  # as if ten minutes had gone by
    with pytest.raises(StoreError):
        drain("sale", consumer="one")
    assert "(and 11 times since its last line)" in logged_errors(caplog)[1]


def test_14_10_failures_of_made_up_campaigns_use_no_more_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lasting_failures, "MOST_REMEMBERED", 10)
    failures = LastingFailures()
    for number in range(100):
        assert failures.log_suffix(f"sale-{number}") == ""
    assert len(failures) <= 10
