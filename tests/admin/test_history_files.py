"""A campaign's history as a file."""

import csv
import json
from collections.abc import Callable
from typing import Any

from django.test import Client
from django.utils import translation

from coupons.admin.campaigns import history_files
from coupons.audit import log
from coupons.models import Act, AuditEvent, Campaign, EventKind
from tests.admin.test_copies import body_of

Page = Callable[..., str]
FORMULA = '=HYPERLINK("http://x.example")'


def told(draft: Callable[..., Campaign]) -> Campaign:
    """A draft whose history has a user's id and a formula, and more rows than a batch."""
    campaign = draft("sale")
    log.record_event(campaign, "mina", EventKind.RECEIPT_HONOURED, place=3, user="ann")
    log.record_event(campaign, FORMULA, EventKind.OVERRIDDEN, reason=FORMULA)
    return campaign


def test_the_whole_history_is_downloaded_oldest_first_and_leaves_a_row(
    operator_client: Client, campaign_url: Page, draft: Callable[..., Campaign], monkeypatch: Any
) -> None:
    monkeypatch.setattr(history_files, "_BATCH", 2)
    told(draft)
    page = operator_client.get(campaign_url("sale")).content.decode()
    for form in ("csv", "jsonl"):
        assert f'href="{campaign_url("sale", f"history_{form}")}"' in page
    answer = operator_client.get(campaign_url("sale", "history_jsonl"))
    assert "sale-history.jsonl" in answer["Content-Disposition"]
    rows = [json.loads(line) for line in body_of(answer).splitlines()]
    assert [row["kind"] for row in rows] == ["created", "receipt_honoured", "overridden"]
    assert rows[1]["data"] == {"place": 3, "user": "ann"}
    kept = AuditEvent.objects.filter(verb=Act.EXPORTED, object_id="sale").values_list("after")
    assert list(kept) == [({"part": "history", "format": "jsonl"},)]


def test_no_cell_of_the_csv_is_a_formula(
    operator_client: Client, campaign_url: Page, draft: Callable[..., Campaign]
) -> None:
    told(draft)
    body = body_of(operator_client.get(campaign_url("sale", "history_csv")))
    header, *rows = csv.reader(body.splitlines())
    assert header == list(history_files.COLUMNS)
    assert rows[-1][1] == f"'{FORMULA}"
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]


def test_without_its_right_no_user_s_id_is_in_the_file(
    read_only_client: Client, campaign_url: Page, draft: Callable[..., Campaign]
) -> None:
    told(draft)
    for form in ("csv", "jsonl"):
        body = body_of(read_only_client.get(campaign_url("sale", f"history_{form}")))
        assert "ann" not in body
        assert "•••" in body


def test_the_text_is_in_the_operator_s_language(
    operator_client: Client, campaign_url: Page, draft: Callable[..., Campaign]
) -> None:
    draft("sale")
    address = campaign_url("sale", "history_jsonl")
    answer = operator_client.get(address, headers={"Accept-Language": "ko"})
    with translation.override("en"):  # as another request would, before the file is read
        (row,) = map(json.loads, body_of(answer).splitlines())
    assert (row["kind"], row["text"]) == ("created", "생성")
