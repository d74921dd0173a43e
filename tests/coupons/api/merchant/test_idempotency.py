"""One answer for an Idempotency-Key: within one process; many are in `test_idempotency_races`."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from rest_framework.request import Request

from coupons.api.merchant import idempotency
from coupons.api.merchant.idempotency import Answer
from coupons.errors import (
    BadInput,
    Busy,
    CouponHeld,
    CouponRedeemed,
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    NotStoredYet,
)
from coupons.merchants import kept_calls
from coupons.merchants.api_keys import MerchantCaller
from coupons.models import IdempotentCall, Merchant

pytestmark = [pytest.mark.django_db, pytest.mark.stores]


@pytest.fixture(autouse=True)
def shop() -> Merchant:
    return Merchant.objects.create(slug="shop", name="The shop")


class Work:
    """What a request does, with a count of its effects."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.calls = error, 0

    def __call__(self) -> Answer:
        self.calls += 1
        Merchant.objects.create(slug=f"made-{self.calls}", name="made")
        if self.error:
            raise self.error
        return Answer(201, {"b": 1, "a": [self.calls]}, {"ETag": '"1"'})

    @property
    def effects(self) -> int:
        return Merchant.objects.filter(name="made").count()


def send(
    work: Work, key: str | None = "k-1", *, body: Any = None, path: str = "/x", **more: Any
) -> HttpResponse:
    headers = {} if key is None else {"Idempotency-Key": key}
    request = Request(RequestFactory().post(path, headers=headers))
    merchant = Merchant.objects.get(slug=more.pop("merchant", "shop"))
    request.user = MerchantCaller(merchant.pk, merchant.slug, "aaaaaaaa", frozenset())  # type: ignore[assignment]
    return idempotency.answer_once(request, body or {"order": "1"}, work, **more)


def test_the_second_answer_is_the_first_ones_bytes() -> None:
    work = Work()
    first, second = send(work), send(work)
    assert (first.status_code, first.content) == (201, b'{"b":1,"a":[1]}')
    assert (second.status_code, second.content) == (201, first.content)
    assert (second["Idempotency-Replayed"], second["ETag"]) == ("true", '"1"')
    assert "Idempotency-Replayed" not in first
    assert (work.calls, work.effects) == (1, 1)


def test_without_a_key_each_request_is_done() -> None:
    work = Work()
    assert send(work, None).content != send(work, None).content
    assert (work.calls, IdempotentCall.objects.count()) == (2, 0)
    with pytest.raises(IdempotencyKeyMissing):
        send(work, None, key_needed=True)


@pytest.mark.parametrize(
    "other", [{"body": {"order": "2"}}, {"path": "/y"}, {"path": "/x?since=1"}]
)
def test_the_same_key_for_another_request_is_refused(other: Any) -> None:
    work = Work()
    send(work)
    with pytest.raises(IdempotencyKeyReused):
        send(work, **other)
    assert work.calls == 1


def test_the_order_of_members_does_not_matter() -> None:
    work = Work()
    send(work, body={"a": 1, "b": {"c": 2, "d": 3}})
    assert send(work, body={"b": {"d": 3, "c": 2}, "a": 1})["Idempotency-Replayed"] == "true"


def test_a_key_belongs_to_its_merchant() -> None:
    Merchant.objects.create(slug="other", name="Another shop")
    work = Work()
    send(work)
    assert "Idempotency-Replayed" not in send(work, merchant="other")
    assert work.calls == 2


def test_a_key_is_compared_byte_by_byte() -> None:
    work = Work()
    for key in ("k", "K"):
        send(work, key)
    assert (work.calls, send(work, '"k"')["Idempotency-Replayed"]) == (2, "true")


@pytest.mark.parametrize("key", ["", " ", "x" * 65, "a b", "é"])
def test_a_key_has_a_form(key: str) -> None:
    with pytest.raises(BadInput, match="Idempotency-Key"):
        send(Work(), key)


def test_a_final_refusal_is_kept_and_what_was_written_before_it_is_not() -> None:
    work = Work(CouponRedeemed("Another order has redeemed it.", state="redeemed"))
    first, second = send(work), send(work)
    assert first.status_code == second.status_code == 409
    assert second.content == first.content
    assert second["Content-Type"] == "application/problem+json"
    assert json.loads(first.content)["state"] == "redeemed"
    assert (work.calls, work.effects, second["Idempotency-Replayed"]) == (1, 0, "true")


@pytest.mark.parametrize(
    "error",
    [CouponHeld("Another order holds it."), NotStoredYet("Not yet."), Busy("Locked."),
     ZeroDivisionError()],
)  # fmt: skip
def test_complaint_34_what_may_change_by_itself_is_not_kept(error: Exception) -> None:
    """Neither are failures of ours: nothing of them remains, and the next request is done."""
    work = Work(error)
    with pytest.raises(type(error)):
        send(work)
    assert (work.effects, IdempotentCall.objects.count()) == (0, 0)
    work.error = None
    assert send(work).status_code == 201
    assert (work.calls, work.effects) == (2, 1)


def test_a_key_is_forgotten_after_a_day() -> None:
    work = Work()
    send(work)
    IdempotentCall.objects.update(at=kept_calls.oldest_kept() + timedelta(minutes=1))
    assert send(work)["Idempotency-Replayed"] == "true"
    IdempotentCall.objects.update(at=kept_calls.oldest_kept() - timedelta(seconds=1))
    assert "Idempotency-Replayed" not in send(work)
    assert work.calls == 2


def test_old_rows_are_deleted_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_calls, "DELETED_AT_ONCE", 3)
    for number in range(8):
        send(Work(CouponRedeemed("No.")), f"k-{number}")
    assert kept_calls.delete_old_calls() == 0
    old = IdempotentCall.objects.exclude(key="k-7")
    old.update(at=kept_calls.oldest_kept() - timedelta(seconds=1))
    assert kept_calls.delete_old_calls() == 7
    assert [row.key for row in IdempotentCall.objects.all()] == ["k-7"]


def test_a_dry_run_writes_nothing_and_takes_no_key() -> None:
    work = Work()
    response = send(work, path="/x?dry_run=1")
    assert (response.status_code, response["Dry-Run"]) == (201, "true")
    assert (work.calls, work.effects, IdempotentCall.objects.count()) == (1, 0, 0)
    with pytest.raises(BadInput, match="dry_run"):
        send(work, path="/x?dry_run=yes")
