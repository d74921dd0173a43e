"""The report of a closed campaign: its figures, and eight kinds of planted faults, each found."""

import itertools
import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F

from coupons.audit.actors import MACHINES, Actor
from coupons.campaigns import lifecycle, sold_out
from coupons.errors import IllegalTransition
from coupons.models import (
    ActorKind,
    Campaign,
    CampaignProof,
    Coupon,
    EventKind,
    ProofReport,
    Returned,
    Tally,
    Undoable,
    UndoableVerb,
)
from coupons.operations import undo
from coupons.proof import build, report, report_file, report_row, svg_charts
from coupons.proof.report import Figures
from coupons.proof.report_words import words_of
from coupons.recovery import consistency_scan, failover
from coupons.redemption import lifecycle as redemption
from coupons.rehearsal import shadow
from coupons.store import keys, store
from tests.coupons.proof.conftest import USERS, Sale, close
from tests.coupons.proof.planted_faults import TABLE, run_sql, unprotected_coupons

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stores]
CHECKS = {
    "beyond_stock", "same_user", "place_twice", "holes", "inversions", "not_told", "counts",
    "receipts",
}  # fmt: skip


@pytest.fixture
def closed(sale: Sale) -> Campaign:
    """Sold out, closed, with a published root."""
    sale()
    sold_out.record_sold_out()
    campaign = close()
    build.prove_campaign(campaign, actor="Mina")
    return Campaign.objects.get()


def found_in(campaign: Campaign) -> dict[str, Any]:
    """The checks that have found something."""
    figures = report.compute_report(campaign)
    assert set(figures["findings"]) == CHECKS
    return {name: figures["findings"][name] for name in report.faults_of(figures)}


def test_a_fair_campaign_has_no_fault_and_every_check_is_made(closed: Campaign) -> None:
    figures = report.compute_report(closed)
    assert report.faults_of(figures) == []
    assert all(found["is_checked"] for found in figures["findings"].values())
    counts = figures["counts"]
    size = len(USERS)
    assert (counts["stock"], counts["admitted"], counts["stored"]) == (size, size, size)
    assert (counts["over"], counts["under"], counts["waiting"], counts["parked"]) == (0, 0, 0, 0)
    assert sum(figures["curve"]["admitted"]) == sum(figures["curve"]["stored"]) == size
    times = figures["times"]
    assert times["sold_out_ms"] == times["last_admitted_ms"] <= times["all_stored_ms"]
    proof = CampaignProof.objects.get()
    assert figures["root"]["root"] == build.base64_of(bytes(proof.root or b""))


def test_the_control_a_copy_without_a_fault(closed: Campaign) -> None:
    with unprotected_coupons():
        assert found_in(closed) == {}


def beyond_the_stock() -> None:
    row = Coupon.objects.get(place=6)
    row.place, row.slot_id, row.user = 7, row.slot_id + 1, "friend"
    Coupon.objects.bulk_create([row])


def user_twice() -> None:
    Coupon.objects.filter(place=4).update(user=USERS[1])


def hole() -> None:
    run_sql(f"DELETE FROM {TABLE} WHERE place = 3")


def inversion() -> None:
    Coupon.objects.filter(place=4).update(admitted_at=F("admitted_at") - timedelta(minutes=5))


def not_admitted() -> None:
    Coupon.objects.filter(place=3).update(user="friend")


def wrong_granted() -> None:
    store().client.hset(keys.campaign_keys("sale").gate, "granted", 1)


def wrong_returned() -> None:
    Returned.objects.create(campaign=Campaign.objects.get(), returned=1)


def wrong_stored() -> None:
    Tally.objects.update(stored=5)


def changed_receipt() -> None:
    Coupon.objects.filter(place=6).update(admitted_at=F("admitted_at") + timedelta(seconds=1))


def replaced_root() -> None:
    CampaignProof.objects.update(root=bytes(32))


def place_twice() -> None:
    Coupon.objects.filter(place=3).update(place=2)


@pytest.mark.parametrize(
    ("plant", "check", "places"),
    [
        (beyond_the_stock, "beyond_stock", [7]),
        (user_twice, "same_user", [4]),
        (hole, "holes", [3]),
        (inversion, "inversions", [4]),
        (not_admitted, "not_told", [3]),
        (wrong_granted, "counts", ["granted"]),
        (wrong_returned, "counts", ["returned"]),
        (wrong_stored, "counts", ["stored"]),
        (changed_receipt, "receipts", "1-6"),
        (replaced_root, "receipts", ""),
        (place_twice, "place_twice", [2]),
    ],
)
def test_every_planted_fault_is_found(
    closed: Campaign, plant: Callable[[], None], check: str, places: Any
) -> None:
    with unprotected_coupons():
        plant()
        found = found_in(closed)
    assert check in found
    seen = {"counts": "names", "receipts": "ranges"}.get(check, "places")
    assert found[check][seen] == places and found[check]["count"]


def test_what_redis_has_lost_is_not_checked_and_said(closed: Campaign) -> None:
    store().client.delete(keys.campaign_keys("sale").gate)
    figures = report.compute_report(closed)
    unchecked = {name for name, one in figures["findings"].items() if not one["is_checked"]}
    assert (unchecked, report.faults_of(figures)) == ({"not_told"}, [])


def test_a_direct_campaign(sale: Sale) -> None:
    sale(strategy="direct")
    sold_out.record_sold_out()
    figures = report.compute_report(close())
    assert report.faults_of(figures) == []
    assert figures["counts"]["admitted"] == len(USERS)


def test_an_open_campaign_has_no_report(sale: Sale) -> None:
    sale()
    with pytest.raises(IllegalTransition, match="not closed"):
        report.compute_report(Campaign.objects.get())


def test_the_report_names_nobody(closed: Campaign) -> None:
    """It may be handed out: no user, no operator, no reason that somebody typed."""
    event = closed.events.get(kind=EventKind.CLOSED)
    event.data = {"reason": "a secret reason"}
    event.save()
    figures = report.compute_report(closed)
    body, page = report_file.render_json(figures).decode(), report_file.render_html(figures, "en")
    for name in (*USERS, "Mina", "a secret reason"):
        assert f'"{name}"' not in body and f">{name}<" not in page
    assert "secret" not in page


def test_the_time_line_has_what_was_undone_and_reasons_that_were_chosen(sale: Sale) -> None:
    sale()
    lifecycle.change_stock("sale", stock=20, actor="Mina")
    undo.undo_verb(Undoable.objects.get().pk, actor="Mina", reason="typed too much")
    lifecycle.pause_campaign("sale", actor="Mina", reason="load")
    lifecycle.resume_campaign("sale", actor="Mina")
    lifecycle.pause_campaign("sale", actor="Mina", reason="jun called me")
    undone = Undoable.objects.filter(verb=UndoableVerb.PAUSE).latest("pk")
    undo.undo_verb(undone.pk, actor="Mina", reason="")
    figures = report.compute_report(close())
    told = [row[4] for row in words_of(figures)["incidents"]]
    assert told == [
        "stock 6 → 20", "undone: stock 20 → 6: •••", "paused: load", "resumed",
        "paused: •••", "undone: pause", "closed",
    ]  # fmt: skip
    page = report_file.render_html(figures, "ko")
    assert "부하" in page and "jun called me" not in page


def revoke(*users: str) -> None:
    for user in users:
        redemption.revoke_coupon(
            pk=Coupon.objects.get(user=user).pk,
            actor=Actor(ActorKind.OPERATOR, "Mina"),
            reason=f"{user} resold it",
            returns=False,
        )


def test_revocations_and_approvals_are_told_and_counted(closed: Campaign) -> None:
    revoke("ann", "bob", "jun")
    redemption.undo_revocation(
        Coupon.objects.get(user="jun").pk, actor=Actor(ActorKind.OPERATOR, "Mina"), reason="wrong"
    )
    request = {"verb": "revoke", "request": 1, "reason": "ann resold it", "asked_by": "Theo"}
    for kind in (EventKind.APPROVAL_ASKED, EventKind.APPROVED, EventKind.APPROVAL_REFUSED):
        closed.events.create(actor="Mina", kind=kind, data=request)
    figures = report.compute_report(closed)
    words = words_of(figures)
    told = [(row[3], row[4].partition(":")[0]) for row in words["incidents"]]
    expected = ["asked for approval", "approved", "refused approval"]
    assert {text for _, text in told} >= {*expected, "1 revocation undone"}
    assert sum(text.endswith("revoked") for _, text in told) in (1, 2)  # a minute may have passed
    assert all(who == "operator" for who, text in told if "revo" in text)
    assert ("revoked", "2") in words["stock_rows"]
    page = report_file.render_html(figures, "ko") + report_file.render_json(figures).decode()
    assert "쿠폰 3장 회수" in page or "쿠폰 1장 회수" in page
    assert not [name for name in ("resold", "Theo", "Mina") if name in page]


def overlapping_labels(picture: str) -> list[tuple[Any, Any]]:
    texts = re.findall(
        r'<text x="([\d.]+)" y="([\d.]+)" text-anchor="middle"[^>]*>([^<]+)<', picture
    )
    boxes = [(float(x), float(y), 7.5 * len(text)) for x, y, text in texts]
    return [
        (one, other)
        for one, other in itertools.combinations(boxes, 2)
        if abs(one[1] - other[1]) < 13 and abs(one[0] - other[0]) < (one[2] + other[2]) / 2
    ]


@pytest.mark.parametrize("count", [1, 5, 40, 300])
def test_numbers_on_the_time_line_cover_no_other(count: int) -> None:
    for step in (0.0001, 0.004, 0.02, 1 / count):
        marks = [
            svg_charts.Mark(str(number), min(1, number * step)) for number in range(1, count + 1)
        ]
        picture = svg_charts.draw_time_line("what", marks, ("begin", "end"))
        assert overlapping_labels(picture) == []
        assert f">{count}<" in picture or f"–{count}<" in picture


def test_only_what_a_person_did_is_said_to_be_an_operators(closed: Campaign) -> None:
    for actor in (*MACHINES, "key ck_1", "Jun"):
        closed.events.create(actor=actor, kind=EventKind.PROVED, data={"places": 310})
    figures = report.compute_report(closed)
    told = [(row[3], row[4].partition(":")[0]) for row in words_of(figures)["incidents"]]
    assert told[-7:] == [
        *[("system", "proved")] * len(MACHINES),
        ("merchant's key", "proved"), ("operator", "proved"),
    ]  # fmt: skip
    written = json.loads(report_file.render_json(figures))["incidents"][-7:]
    assert [one["by"] for one in written] == [*["clock"] * len(MACHINES), "key", "operator"]
    assert [one["is_clock"] for one in written] == [*[True] * len(MACHINES), False, False]
    page = report_file.render_html(figures, "ko")
    assert "시스템" in page and "판매자 키" in page


def test_every_name_of_the_service_in_a_history_is_known(closed: Campaign) -> None:
    """A constant ACTOR or CLOCK of a module that no person calls."""
    own = {lifecycle.CLOCK, build.ACTOR, consistency_scan.ACTOR, failover.ACTOR, shadow.ACTOR}
    assert own == MACHINES


def test_the_file_needs_nothing_else(closed: Campaign) -> None:
    figures = report.compute_report(closed)
    korean, english = (report_file.render_html(figures, language) for language in ("ko", "en"))
    assert "선착순 마감" in korean and "sold out" in english
    for page in (korean, english):
        assert page.count("<svg") >= 2 and "<script" not in page
        outside = page.replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert "http" not in outside.replace("http-equiv", "") and "src=" not in outside
    assert json.loads(report_file.render_json(figures)) == json.loads(json.dumps(figures))


def asked_rows() -> list[bool]:
    return [row.asked_at is not None for row in ProofReport.objects.all()]


def test_it_is_computed_once_by_itself_and_again_when_asked_for(closed: Campaign) -> None:
    assert report_row.compute_asked(until=lambda: False) == 1
    assert report_row.compute_asked(until=lambda: False) == 0
    row = ProofReport.objects.get()
    assert row.figures is not None and row.error == "" and asked_rows() == [False]
    report_row.ask_report(closed)
    assert asked_rows() == [True]
    assert report_row.compute_asked(until=lambda: True) == 0
    assert report_row.compute_asked(until=lambda: False) == 1


def test_one_of_before_the_root_is_computed_again_once_with_it(sale: Sale) -> None:
    sale()
    campaign = close()
    report_row.ask_report(campaign)
    assert report_row.compute_asked(until=lambda: False) == 1
    assert (ProofReport.objects.get().figures or {})["root"] is None
    assert report_row.compute_asked(until=lambda: False) == 0
    build.prove_campaign(campaign, actor="Mina")
    assert report_row.compute_asked(until=lambda: False) == 1
    assert (ProofReport.objects.get().figures or {})["root"] is not None
    assert report_row.compute_asked(until=lambda: False) == 0


def test_one_of_before_the_root_that_failed_is_not_tried_for_ever(closed: Campaign) -> None:
    long_ago = closed.opens_at - timedelta(hours=1)
    ProofReport.objects.create(campaign=closed, computed_at=long_ago, error="Too many places.")
    assert report_row.compute_asked(until=lambda: False) == 0


def test_one_process_computes_it_and_a_dead_one_keeps_nobody_waiting(closed: Campaign) -> None:
    row = report_row.ask_report(closed)
    assert row.asked_at is not None
    ProofReport.objects.update(busy_until=row.asked_at + report_row.LEASE)
    assert report_row.compute_asked(until=lambda: False) == 0
    ProofReport.objects.update(busy_until=row.asked_at)
    assert report_row.compute_asked(until=lambda: False) == 1


def test_the_progress_is_told(closed: Campaign) -> None:
    told: list[tuple[int, int]] = []
    report.compute_report(closed, tell=lambda done, of: told.append((done, of)))
    assert told == [(6, 6)]
    ProofReport.objects.create(campaign=closed)
    report_row.progress_teller(closed)(3, 6)
    assert ProofReport.objects.values_list("done_places", "places").get() == (3, 6)


def test_a_campaign_too_large_for_a_task_says_so(
    closed: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_row, "MOST_PLACES", 5)
    assert report_row.compute_asked(until=lambda: False) == 0
    row = ProofReport.objects.get()
    assert "manage.py proof_report sale" in row.error and row.asked_at is None


def test_the_command_writes_files_and_fails_for_a_fault(
    closed: Campaign, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, figures = tmp_path / "sale.html", tmp_path / "new" / "sale.json"
    call_command("proof_report", "sale", out=page, language="ko")
    call_command("proof_report", "sale", out=figures)
    assert "<svg" in page.read_text()
    written: Figures = json.loads(figures.read_text())
    assert written["campaign"]["slug"] == "sale"
    assert capsys.readouterr().out.splitlines()[-1] == "sale: no fault found."
    assert ProofReport.objects.get().figures == written
    with pytest.raises(CommandError, match="must end with"):
        call_command("proof_report", "sale", out=tmp_path / "sale.pdf")
    wrong_stored()
    with pytest.raises(CommandError, match="faults found by counts"):
        call_command("proof_report", "sale")
