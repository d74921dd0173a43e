"""`manage.py campaign` with JSON in and out, and no traceback whatever is wrong."""

import io
import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from config import env
from coupons.issuing import drain
from coupons.models import Campaign, CampaignEvent, Merchant
from tests.conftest import Person
from tests.harness.servers import free_port

pytestmark = pytest.mark.django_db(transaction=True)


def soon(hours: float) -> str:
    return (timezone.now() + timedelta(hours=hours)).isoformat(timespec="milliseconds")


def lunch(**more: Any) -> str:
    return json.dumps({
        "slug": "lunch", "name": "Lunch", "stock": 3, "opens_at": soon(1), "closes_at": soon(2),
        "discount_value": "10", "minimum_order": "1000", "valid_days": 30,
    } | more)  # fmt: skip


def campaign(*words: str) -> str:
    out = io.StringIO()
    call_command("campaign", *words, "--actor", "Mina", stdout=out)
    return out.getvalue()


def shown(*words: str) -> Any:
    return json.loads(campaign(*words))


def refusal(*words: str) -> tuple[int, str]:
    with pytest.raises(CommandError) as refused:
        campaign(*words)
    return refused.value.returncode, str(refused.value)


def test_a_campaigns_life_at_a_terminal(tmp_path: Path) -> None:
    Merchant.objects.create(slug="shop", name="The shop")
    file = tmp_path / "lunch.json"
    file.write_text("\ufeff" + lunch())  # as some editors write it
    assert campaign("create", "--file", str(file), "--merchant", "shop") == "lunch is draft now.\n"
    assert campaign("reschedule", "lunch", "--json", json.dumps({"closes_at": soon(3)}))
    assert campaign("schedule", "lunch") == "lunch is scheduled now.\n"
    assert campaign("open", "lunch") == "lunch is open now.\n"
    assert Person("jun").claims("lunch").status_code == 202
    assert shown("stock", "lunch", "--stock", "5", "--print-json")["stock"] == 5
    assert campaign("pause", "lunch") == "lunch is paused now.\n"
    assert campaign("resume", "lunch") == "lunch is open now.\n"
    assert campaign("close", "lunch", "--yes") == "lunch is closed now.\n"
    assert shown("show", "lunch")["state"] == "closed"
    assert [each["slug"] for each in shown("list", "--merchant", "shop")] == ["lunch"]
    assert set(CampaignEvent.objects.values_list("actor", flat=True)) == {"Mina"}


def test_a_definition_that_is_shown_can_be_created_and_cloned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    campaign("create", "--json", lunch())
    original = shown("show", "lunch", "--definition")
    Campaign.objects.all().delete()
    raw = io.BytesIO(json.dumps(original).encode())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(raw))
    campaign("create", "--file", "-")
    assert shown("show", "lunch", "--definition") == original
    window = {"slug": "lunch-2", "opens_at": soon(24), "closes_at": soon(25)}
    campaign("clone", "lunch", "--json", json.dumps(window))
    clone = shown("show", "lunch-2", "--definition")
    assert {name for name in clone if clone[name] != original[name]} == set(window)


def test_coupons_are_exported_line_by_line() -> None:
    campaign("create", "--json", lunch())
    campaign("schedule", "lunch")
    campaign("open", "lunch")
    for name in ("ann", "bob", "jun"):
        Person(name).claims("lunch")
    drain.drain("lunch", consumer="test")
    lines = [json.loads(line) for line in campaign("export", "lunch").splitlines()]
    assert [line.get("user") for line in lines] == ["ann", "bob", "jun", None]
    assert lines[-1] == {"complete": True, "after": 3}
    rest = campaign("export", "lunch", "--format", "csv", "--after", "2").splitlines()
    assert [line.split(",")[0] for line in rest] == ["3", "# complete"]


def test_a_dry_run_writes_nothing() -> None:
    text = campaign("create", "--json", lunch(), "--dry-run")
    assert text == "lunch would be draft; nothing was written.\n"
    assert not Campaign.objects.exists()
    campaign("create", "--json", lunch())
    assert "would be scheduled" in campaign("schedule", "lunch", "--dry-run")
    campaign("schedule", "lunch")
    assert "would be closed" in campaign("close", "lunch", "--dry-run")
    assert "stock of 9; nothing" in campaign("stock", "lunch", "--stock", "9", "--dry-run")
    row = Campaign.objects.get()
    assert (row.state, row.stock) == ("scheduled", 3)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["create"], "Give the definition by --json TEXT or --file FILE"),
        (["create", "--json", "{"], "The definition is not JSON (line 1, column 2)."),
        (["create", "--json", "[]"], "body: must be an object"),
        (["create", "--json", "[" * 60_000], "The definition is nested too deeply."),
        (["create", "--json", '{"a": 1, "a": 2}'], "The definition names a field twice."),
        (["create", "--json", '{"stock": NaN}'], "The definition is not JSON (line 1, column 11)."),
        (["create", "--json", '{"stock": "1"}'],
         "slug: is needed. name: is needed. stock: must be a whole number from 1 to 10000000."),
        (["create", "--json", lunch(colour="red")], "colour: is not a field of this request."),
        (["create", "--json", lunch(zone="Mars")], "zone: “Mars” is not a time zone's name"),
        (["create", "--json", lunch(closes_at=soon(0))], "closes_at: A campaign must close after"),
        (["create", "--json", lunch(discount_value="100")], "To confirm: --yes"),
        (["create", "--json", lunch(), "--merchant", "nosuch"], "There is no merchant 'nosuch'."),
        (["create", "lunch", "--json", lunch()], "`create` takes no slug."),
        (["show"], "`show` needs a slug."),
        (["show", "nosuch"], "There is no campaign 'nosuch'."),
        (["pause", "lunch", "--json", "{}"], "--json and --file go with the verbs create,"),
        (["show", "lunch", "--merchant", "shop"], "--merchant goes with the verbs"),
        (["reschedule", "nosuch", "--json", "{}"], "There is no campaign 'nosuch'."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_a_sentence(words: list[str], sentence: str) -> None:
    status, text = refusal(*words)
    assert status == 2
    assert sentence in text
    assert not Campaign.objects.exists()


@pytest.mark.parametrize("content", [b"\xff\xfe{", b" " * 70_000, "{".encode("utf-16")])
def test_a_file_that_is_no_definition(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "wrong.json"
    file.write_bytes(content)
    assert refusal("create", "--file", str(file))[0] == 2


def test_a_slug_in_use_is_refused_by_each_command_that_creates() -> None:
    campaign("create", "--json", lunch())
    taken = "slug: A campaign with this slug already exists."
    assert refusal("create", "--json", lunch()) == (2, taken)
    window = {"slug": "lunch", "opens_at": soon(1), "closes_at": soon(2)}
    assert refusal("clone", "lunch", "--json", json.dumps(window)) == (2, taken)
    with pytest.raises(CommandError) as refused:
        call_command("new_campaign", "lunch")
    assert str(refused.value) == taken


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["new_campaign", "dinner"],
        ["campaign", "schedule", "lunch"],
        ["campaign", "list"],
    ],
)
def test_without_redis_a_command_prints_one_sentence(
    child_environment: dict[str, str], words: list[str]
) -> None:
    campaign("create", "--json", lunch())
    away = child_environment | {"REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}
    done = subprocess.run(
        [sys.executable, "manage.py", *words], cwd=env.BASE_DIR, env=away, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    if words[-1] == "list":
        assert json.loads(done.stdout)[0]["slug"] == "lunch"
        return
    said = done.stderr.strip().splitlines()
    assert (done.returncode, len(said)) == (1, 1), done.stderr
    assert "Traceback" not in done.stderr
