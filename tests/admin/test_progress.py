"""15.2: long work shows its progress, at a terminal and in a log."""

import logging
import sys
from collections.abc import Callable

import pytest
from django.core.management import call_command

from coupons.management import progress
from tests.conftest import CampaignMaker, Person

ALL: dict[str, Callable[[], None]] = {
    "sale: 5,000 slots, 1,000,000 wanted": lambda: progress.of_slots("sale")(5_000, 1_000_000),
    "sale: 5,000 claimants": lambda: progress.of_claimants("sale")(5_000),
    "sale: 5,000 coupons": lambda: progress.of_scan("sale")("coupon", 5_000),
    "sale: 5,000 claims put back": lambda: progress.of_replay("sale")(5_000),
    "sale: 1 slot, 20 wanted": lambda: progress.of_slots("sale")(1, 20),
    "sale: 1 claimant": lambda: progress.of_claimants("sale")(1),
    "sale: 1 coupon": lambda: progress.of_scan("sale")("coupon", 1),
    "sale: 1 claim put back": lambda: progress.of_replay("sale")(1),
}


@pytest.mark.parametrize("says", ALL)
def test_15_2_a_terminal_shows_one_line_that_is_overwritten(
    says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    ALL[says]()
    assert capsys.readouterr().err == f"\r{says}  "


@pytest.mark.parametrize("says", ALL)
def test_15_2_a_log_gets_a_line(
    says: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(progress, "EVERY_S", 0)
    with caplog.at_level(logging.INFO):
        ALL[says]()
    assert caplog.messages == [says]


def test_15_2_quick_work_has_no_line_in_a_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        tell = progress.of_claimants("sale")
        for count in range(1_000):
            tell(count)
    assert caplog.messages == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("command", "says"),
    [(("rebuild", "sale"), "claimant"), (("reconcile", "sale"), "1 claimant"),
     (("campaign", "stock", "sale", "--stock", "20"), "slots")],
)  # fmt: skip
def test_15_2_commands_tell_it(
    command: tuple[str, ...],
    says: str,
    open_campaign: CampaignMaker,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(progress, "EVERY_S", 0)
    open_campaign()
    Person("mina").claims()
    with caplog.at_level(logging.INFO):
        call_command(*command)
    assert any(line.startswith("sale: ") and says in line for line in caplog.messages)
