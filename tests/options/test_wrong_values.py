"""Issue 12, 25: every option of every management command refuses wrong values with one sentence and
status 2. The options are read from the parsers, so an option without a case fails here."""

import io
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import load_command_class
from django.core.management.base import BaseCommand
from django.utils import timezone

from config import env
from coupons.campaigns import lifecycle
from coupons.models import Campaign
from tests.options.walk import (
    BLANKS,
    Files,
    Try,
    all_options,
    fault_of_refusal,
    run_and_capture,
    wrong_values,
)

ROOT = env.BASE_DIR
Draft = Callable[..., Campaign]
DJANGOS = {"migrate", "runserver"}  # every option of them is Django's own
COMMANDS = sorted(
    file.stem for file in (ROOT / "coupons/management/commands").glob("*.py")
    if not file.stem.startswith("_") and file.stem not in DJANGOS
)  # fmt: skip
OF_DJANGO = frozenset(
    action.dest for action in BaseCommand().create_parser("manage.py", "any")._actions
)
# The other arguments that a command needs. `<dest>` stands for a positional argument.
VALID: dict[str, list[str]] = {
    "campaign": ["<verb>", "<slug>"],
    "check": ["<args>"],
    "dress_rehearsal": ["<slug>"],
    "grant": ["<slug>", "<file>"],
    "honour_receipt": ["<receipt>"],
    "merchant": ["<action>", "<target>"],
    "new_campaign": ["<slug>"],
    "operator": ["<name>", "--link"],
    "readiness": ["<slug>"],
    "rebuild": ["<slug>"],
    "reconcile": ["<slug>"],
    "replay_parked": ["<slug>"],
    "revoke": ["<slug>", "<file>", "--reason", "stolen", "--yes"],
    "unlock": ["<name>"],
    "user_token": ["<user>"],
}
RIGHT = {
    "<action>": "list", "<target>": "nosuch", "<file>": "README.md",
    "<verb>": "pause", "<slug>": "sale", "<receipt>": "nonsense", "<user>": "mina",
    "<args>": "coupons", "<name>": "bells", "<names>": "drain_ratio", "<verbs>": "demo",
    "<command>": "true", "<port>": "8080", "<images>": "images.json",
}  # fmt: skip
NO_CAMPAIGN = [*BLANKS, "nosuch", "NO SUCH", "쿠폰", "-1", "0", "sale'--", "x" * 64, "x" * 65]
# Options that accept any text, and the values that later code refuses.
JUDGED: dict[tuple[str, str], list[str]] = {
    **{
        (command, "slug"): NO_CAMPAIGN
        for command in (
            "campaign",
            "dress_rehearsal",
            "grant",
            "readiness",
            "rebuild",
            "reconcile",
            "replay_parked",
            "revoke",
        )
    },
    ("new_campaign", "slug"): [
        *BLANKS,
        "taken",
        "UPPER",
        "a b",
        "ünïcode",
        "-a",
        "a-",
        "a_b",
        "x" * 65,
        "a\n",
        "a/b",
    ],
    ("merchant", "target"): ["nosuch", "쿠폰", "-1"],
    ("new_campaign", "stock"): ["0", "-1", "10000001", "9" * 400],
    ("new_campaign", "opens_in"): ["1e10", "-1e10", "-600"],
    ("new_campaign", "lasts"): ["0", "-1", "1e10"],
    ("new_campaign", "per_user"): ["0", "-1", "101", "99999999999"],
    ("campaign", "stock"): ["1", "0", "-1"],  # of a verb that takes none
    ("honour_receipt", "receipt"): ["nonsense", "a.b.c", "쿠폰", "-1"],
    ("readiness", "override"): [*BLANKS, "x\ny", "x\x1b[2J", "x" * 501, "\u202e", "\u200b"],
    ("flower", "address"): [*BLANKS, "nosuch host", "198.51.100.7", "999.1.1.1", "no.such.invalid"],
    ("operator", "name"): ["nosuch", "쿠폰", "-1"],
    ("operator", "site"): ["nosuch", "ftp://shop.example", "javascript:alert(1)", "https://"],
    ("unlock", "name"): ["nosuch", "쿠폰", "-1"],
    ("check", "args"): ["nosuch", *BLANKS],
    ("check", "tags"): ["nosuch", *BLANKS],
    ("plan_capacity", "measured"): [],  # its files are below
}
# Django's own refusals of its own options: told in a sentence, by status 1.
STATUS = {("check", "tags"): 1}


def command_tries() -> Iterator[Any]:
    for command in COMMANDS:
        parser = load_command_class("coupons", command).create_parser("manage.py", command)
        for _, action in all_options(parser, known=OF_DJANGO):
            name = action.option_strings[-1] if action.option_strings else action.dest
            yield pytest.param(command, action, id=f"{command} {name}")


def values_of(program: str, action: Any, files: Files) -> list[str]:
    """The wrong values of the option's reader, and those of JUDGED; LookupError for neither."""
    judged = JUDGED.get((program, action.dest))
    try:
        values = wrong_values(action, files)
    except LookupError:
        if judged is None:
            raise
        values = []
    return [*values, *(judged or [])]


def fill_placeholders(words: list[str]) -> list[str]:
    return [RIGHT.get(word, word) for word in words]


def run_management_command(command: str, *words: str) -> tuple[int | None, str]:
    """Run the command as `manage.py` does; its exit status and standard error."""

    def run_command() -> None:
        load_command_class("coupons", command).run_from_argv(["manage.py", command, *words])

    return run_and_capture(run_command)


@pytest.fixture
def nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))


@pytest.fixture
def a_sale(draft: Draft) -> Campaign:
    """A scheduled campaign `sale`, and a draft whose name `taken` is in use."""
    opens = timezone.now() + timedelta(hours=1)
    for slug in ("sale", "taken"):
        draft(slug, opens_at=opens, closes_at=opens + timedelta(hours=1))
    return lifecycle.schedule_campaign("sale", actor="Mina")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("command", "action"), list(command_tries()))
def test_a_command_refuses_a_wrong_value_in_a_sentence(
    command: str, action: Any, option_files: Files, a_sale: Campaign, nobody_there: None
) -> None:
    values = values_of(command, action, option_files)
    if action.dest == "measured":
        values += option_files.no_content
    assert values
    expected = STATUS.get((command, action.dest), 2)
    faults = {}
    for value in values:
        words = fill_placeholders(Try((), action, ()).command_line(value, VALID.get(command, [])))
        wrong = fault_of_refusal(*run_management_command(command, *words), expected)
        if wrong:
            faults[value[:80]] = wrong
    assert faults == {}
    assert Campaign.objects.count() == 2  # no campaign was created


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_refuses_an_option_it_does_not_have(command: str, db: None) -> None:
    needed = fill_placeholders(VALID.get(command, []))
    assert fault_of_refusal(*run_management_command(command, *needed, "--nosuch")) == ""
    if needed and command not in ("check", "reconcile"):
        assert (
            fault_of_refusal(*run_management_command(command)) == ""
        )  # a required argument is missing


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["campaign", "stock", "sale"], 2),
        (["campaign", "stock", "sale", "--stock", "0"], 2),
        (["campaign", "stock", "sale", "--stock", "10000001"], 2),
        (["campaign", "pause", "sale", "--stock", "5"], 2),
        (["campaign", "close", "sale"], 2),  # no terminal to ask at
        (["campaign", "close", "nosuch"], 2),
        (["campaign", "schedule", "sale"], 1),  # it is scheduled already
        (["campaign", "pause", "taken"], 1),  # a draft
        (["replay_parked", "taken"], 1),
        (["grant", "taken", "README.md"], 1),  # a draft
        (["grant", "sale", "README.md"], 2),  # no list
        (["revoke", "sale", "README.md", "--reason", "x"], 2),  # no terminal to ask at
        (["reconcile", "taken"], 1),
        (["rebuild", "sale", "--all"], 2),
        (["plan_capacity", "--people", "10000000000", "--stock", "10000000000"], 1),
    ],
)
def test_a_valid_command_that_can_not_be_done_has_another_status(
    a_sale: Campaign, nobody_there: None, words: list[str], status: int
) -> None:
    got, said = run_management_command(*words)
    assert got == status, said
    assert "Traceback" not in said
    assert said.strip()
