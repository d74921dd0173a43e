"""`manage.py grant` and `manage.py revoke`: lists of operators."""

import io
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from coupons.admission import strategies
from coupons.bulk import jobs
from coupons.claims.values import Claim
from coupons.errors import BadInput, Refused
from coupons.models import ApprovalRequest, Coupon, CouponLife, Job, JobLine
from coupons.operations import approvals
from tests.conftest import CampaignMaker, Settings

pytestmark = pytest.mark.django_db(transaction=True)


def run(*words: str) -> str:
    said = io.StringIO()
    call_command(*words, stdout=said)
    return said.getvalue()


def test_grant(open_campaign: CampaignMaker, tmp_path: Path, strategy: str) -> None:
    campaign = open_campaign(strategy=strategy)
    strategies.admit(campaign, Claim("ann"))
    file = tmp_path / "users.csv"
    file.write_text("user,nth\nann,\nbob,\njun,2\n")
    assert run("grant", "sale", str(file)) == (
        "line 4: refused (bad_nth)\n3 lines of sale: 1 granted, 1 has_place, 1 refused.\n"
    )
    assert Job.objects.get().actor == "manage.py"


def test_a_list_from_standard_input(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_campaign()
    stdin = io.TextIOWrapper(io.BytesIO(b'{"user": "ann"}\n'))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert run("grant", "sale", "-", "--format", "jsonl") == "1 line of sale: 1 granted.\n"


def test_revoke(open_campaign: CampaignMaker, tmp_path: Path) -> None:
    strategies.admit(open_campaign(strategy="direct"), Claim("ann"))
    file = tmp_path / "codes.jsonl"
    file.write_text(f'{{"code": "{Coupon.objects.get().code}"}}\n')
    words = ("revoke", "sale", str(file), "--reason", "stolen")
    with pytest.raises(CommandError, match="no terminal"):
        run(*words)
    assert run(*words, "--yes") == "1 line of sale: 1 revoked.\n"


@pytest.mark.parametrize("lines", [100, 101])
def test_20_more_than_a_hundred_revocations_take_a_second_person(
    open_campaign: CampaignMaker, tmp_path: Path, settings: Settings, lines: int
) -> None:
    campaign = open_campaign(strategy="direct", stock=200)
    for number in range(lines):
        strategies.admit(campaign, Claim(f"user-{number}"))
    file = tmp_path / "users.csv"
    file.write_text("user\n" + "".join(f"user-{number}\n" for number in range(lines)))
    words = ("revoke", "sale", str(file), "--reason", "stolen", "--yes", "--actor", "ann")
    revoked = CouponLife.objects.filter(state="revoked")
    if lines <= approvals.MOST_REVOKED_ALONE:
        assert run(*words) == "100 lines of sale: 100 revoked.\n"
        return
    assert run(*words).startswith("More than 100 lines take two persons.\nThe list of sale waits")
    assert not revoked.exists()
    request = ApprovalRequest.objects.get()
    with pytest.raises(Refused):
        approvals.approve_request(request.pk, approver="ann")
    approvals.approve_request(request.pk, approver="bob")
    jobs.work_on_jobs()
    assert revoked.count() == lines


def test_20_control_a_shop_with_one_operator_says_so(
    open_campaign: CampaignMaker, tmp_path: Path, settings: Settings
) -> None:
    settings.APPROVE_ALONE = True
    open_campaign(strategy="direct", stock=200)
    file = tmp_path / "users.csv"
    file.write_text("user\n" + "".join(f"user-{number}\n" for number in range(101)))
    said = run("revoke", "sale", str(file), "--reason", "stolen", "--yes")
    assert said.endswith("101 lines of sale: 101 refused.\n")


def test_a_fault_is_named_and_nothing_is_done(open_campaign: CampaignMaker, tmp_path: Path) -> None:
    open_campaign()
    file = tmp_path / "users.csv"
    file.write_bytes("user\n민아\n".encode("cp949"))
    with pytest.raises((CommandError, BadInput), match="line 2: is not UTF-8"):
        run("grant", "sale", str(file))
    assert not Job.objects.exists()


def test_it_waits_for_the_worker_that_was_faster(
    open_campaign: CampaignMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_campaign()
    file = tmp_path / "users.csv"
    file.write_text("user\nann\n")
    monkeypatch.setattr(jobs, "_OTHERS_PAUSE_S", 0)
    waiting = []
    lease = jobs._lease

    def another_was_faster(job: Job) -> bool:
        waiting.append(job)
        if len(waiting) == 1:
            return False
        return lease(job)

    monkeypatch.setattr(jobs, "_lease", another_was_faster)
    assert "1 granted" in run("grant", "sale", str(file))
    assert len(waiting) == 2
    assert JobLine.objects.get().verdict == "granted"
