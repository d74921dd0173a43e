"""Bulk grants and revocations, exports and a user's attempts, as a shop's backend calls them."""

import json
from typing import Any

import pytest

from coupons.admission import strategies
from coupons.bulk import jobs, reading
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.values import Claim
from coupons.issuing.drain import drain
from coupons.models import Coupon, Job, JobLine, Merchant
from tests.conftest import CampaignMaker
from tests.coupons.answers import problem_of
from tests.coupons.api.merchant.conftest import BASE, Backend

pytestmark = pytest.mark.django_db(transaction=True)

GRANTS = f"{BASE}/campaigns/sale/grants"


@pytest.fixture
def sale(open_campaign: CampaignMaker, backend: Backend) -> CampaignSnapshot:
    return open_campaign(merchant=backend.merchant)


def send(
    backend: Backend,
    body: str | bytes,
    path: str = GRANTS,
    *,
    key: str | None = "k1",
    kind: str = "text/csv",
) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return backend.client.post(path, body, content_type=kind, headers=headers)


def test_a_list_is_received_worked_on_and_reported(
    backend: Backend, sale: CampaignSnapshot
) -> None:
    received = send(backend, "user\nann\nbob\nann\n")
    assert received.status_code == 202
    job = received.json()
    assert (job["state"], job["lines"], job["done"]) == ("ready", 3, 0)
    jobs.work_on_jobs()
    done = backend.get(f"jobs/{job['job']}").json()
    assert (done["state"], done["verdicts"]) == ("done", {"granted": 2, "has_place": 1})
    assert done["finished_at"]
    lines = backend.get(f"jobs/{job['job']}/lines").json()
    assert [(line["line"], line["user"], line["place"]) for line in lines["lines"]] == [
        (2, "ann", 1), (3, "bob", 2), (4, "ann", 1),
    ]  # fmt: skip
    assert lines["after"] is None
    only = backend.get(f"jobs/{job['job']}/lines?verdict=has_place&after=1").json()["lines"]
    assert [line["line"] for line in only] == [4]


def test_the_same_request_again_is_one_job(backend: Backend, sale: CampaignSnapshot) -> None:
    first, again = send(backend, "user\nann\n"), send(backend, "user\nann\n")
    assert first.json() == again.json()
    assert again["Idempotency-Replayed"] == "true"
    assert (Job.objects.count(), JobLine.objects.count()) == (1, 1)
    problem_of(send(backend, "user\nbob\n"), 422, "idempotency_key_reused")
    assert (Job.objects.count(), JobLine.objects.count()) == (1, 1)
    problem_of(send(backend, "user\nann\n", key=None), 400, "idempotency_key_missing")


def test_a_rehearsal_reads_the_list_and_leaves_nothing(
    backend: Backend, sale: CampaignSnapshot
) -> None:
    rehearsed = send(backend, "user\nann\n", f"{GRANTS}?dry_run=1", key=None)
    assert (rehearsed.status_code, rehearsed.json()["lines"]) == (202, 1)
    assert (rehearsed.json()["job"], rehearsed.json()["state"]) == (None, "rehearsed")
    assert not Job.objects.exists()
    wrong = send(backend, "user\nann\nx,y\n", f"{GRANTS}?dry_run=1", key=None)
    assert problem_of(wrong, 400, "bad_input")["line"] == 3


def test_a_fault_is_named_with_its_line_and_nothing_is_left(
    backend: Backend, sale: CampaignSnapshot
) -> None:
    problem = problem_of(send(backend, "user\nann\n\xff\n".encode("latin-1")), 400, "bad_input")
    assert problem["line"] == 3
    assert problem["errors"] == [{"field": "line 3", "why": "is not UTF-8 (byte 1)"}]
    assert not Job.objects.exists()
    wrong_type = send(backend, "user\nann\n", kind="application/json")
    problem_of(wrong_type, 415, "unsupported_media_type")
    problem_of(send(backend, "user\nann\n", f"{GRANTS}?returns=1"), 400, "bad_input")


def test_a_body_that_is_too_large_is_not_read(
    backend: Backend, sale: CampaignSnapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_BYTES", 10)
    problem_of(send(backend, "user\nann\nbob\n"), 413, "body_too_large")
    assert not Job.objects.exists()


def test_another_merchant_sees_none_of_it(backend: Backend, sale: CampaignSnapshot) -> None:
    job = send(backend, "user\nann\n").json()["job"]
    other = Backend(Merchant.objects.create(slug="toys", name="Toys"))
    problem_of(send(other, "user\nann\n"), 404, "unknown_campaign")
    problem_of(other.get(f"jobs/{job}"), 404, "unknown_job")
    problem_of(other.get(f"jobs/{job}/lines"), 404, "unknown_job")
    problem_of(other.get("campaigns/sale/coupons"), 404, "unknown_campaign")
    problem_of(other.get("users/ann/attempts?campaign=sale"), 404, "unknown_campaign")


def test_each_needs_its_scope(backend: Backend, sale: CampaignSnapshot) -> None:
    reader = Backend(backend.merchant, scopes=("read",))
    for answer in (
        send(reader, "user\nann\n"),
        reader.get("campaigns/sale/coupons"),
        reader.get("users/ann/attempts?campaign=sale"),
    ):
        problem_of(answer, 403, "scope_missing")


def test_many_revocations(backend: Backend, sale: CampaignSnapshot) -> None:
    strategies.admit(sale, Claim("ann"))
    drain("sale", consumer="one")
    code = Coupon.objects.get().code
    path = f"{BASE}/campaigns/sale/revocations"
    body = json.dumps({"code": code})
    problem_of(send(backend, body, path, kind="application/jsonl"), 400, "bad_input")
    received = send(backend, body, f"{path}?reason=stolen&returns=1", kind="application/jsonl")
    assert received.status_code == 202
    jobs.work_on_jobs()
    assert backend.get(f"jobs/{received.json()['job']}").json()["verdicts"] == {"revoked": 1}


def test_export(backend: Backend, sale: CampaignSnapshot) -> None:
    strategies.admit(sale, Claim("ann"))
    drain("sale", consumer="one")
    exported = backend.get("campaigns/sale/coupons")
    assert exported["Content-Type"] == "application/jsonl"
    row, last = map(json.loads, exported.getvalue().splitlines())
    assert (row["user"], last) == ("ann", {"complete": True, "after": 1})
    as_csv = backend.get("campaigns/sale/coupons?format=csv&after=1")
    assert as_csv.getvalue() == b"# complete\r\n"
    problem_of(backend.get("campaigns/sale/coupons?format=xlsx"), 400, "bad_input")
    problem_of(backend.get("campaigns/sale/coupons?after=-1"), 400, "bad_input")


def test_attempts_say_what_is_known(backend: Backend, sale: CampaignSnapshot) -> None:
    strategies.admit(sale, Claim("ann"))
    queued = backend.get("users/ann/attempts?campaign=sale").json()
    assert (queued["places"][0]["place"], queued["coupons"]) == (1, [])
    drain("sale", consumer="one")
    stored = backend.get("users/ann/attempts?campaign=sale").json()
    assert stored["coupons"][0]["state"] == "issued"
    never = backend.get("users/bob/attempts?campaign=sale").json()
    assert (never["places"], never["coupons"], never["waitlist"]) == ([], [], None)


@pytest.mark.parametrize(
    "line", ['{"user": "ann", "user": "bob"}', '{"code": "7K2M-9QXT-4B8N-W3R4", "user": "ann"}']
)
def test_a_line_that_says_two_things_is_refused(
    backend: Backend, sale: CampaignSnapshot, line: str
) -> None:
    path = f"{GRANTS.removesuffix('grants')}revocations?reason=fraud"
    refused = send(backend, line, path, kind="application/jsonl")
    assert problem_of(refused, 400, "bad_input")["line"] == 1
    assert not Job.objects.exists()


@pytest.mark.parametrize("reason", ["x" * 501, "two%0Alines", ""])
def test_a_reason_is_kept_as_it_is_or_refused(
    backend: Backend, sale: CampaignSnapshot, reason: str
) -> None:
    path = f"{GRANTS.removesuffix('grants')}revocations?reason={reason}"
    problem_of(send(backend, "user\nann\n", path), 400, "bad_input")


def test_a_user_whose_name_has_a_slash_has_a_page(backend: Backend, sale: CampaignSnapshot) -> None:
    found = backend.get("users/a%2Fb/attempts?campaign=sale")
    assert found.status_code == 200
    problem_of(backend.get("users/ann/attempts"), 400, "bad_input")


def test_lines_of_an_unknown_verdict_are_no_empty_list(
    backend: Backend, sale: CampaignSnapshot
) -> None:
    job = send(backend, "user\nann\n").json()["job"]
    problem_of(backend.get(f"jobs/{job}/lines?verdict=granteed"), 400, "bad_input")
