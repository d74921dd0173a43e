"""Every command is run for real, and leaves an event that says who, when and from where. One
without its line here fails.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import call_command, get_commands

from coupons.models import AuditEvent
from tests.authorization.cast import SALE, World
from tests.coupons.audit.walk.rows import demand_event

pytestmark = [pytest.mark.slow, pytest.mark.django_db]


def our_commands() -> set[str]:
    """Names in coupons/management/commands."""
    return {name for name, app in get_commands().items() if app == "coupons"}


def _lines(folder: Path) -> str:
    file = folder / "users.csv"
    file.write_text("user\nmina\n")
    return str(file)


Given = Callable[[World, Path], list[str]]
# Command → its arguments; each is a run that changes something.
COMMANDS: dict[str, list[Given]] = {
    "campaign": [
        lambda world, folder: ["pause", SALE],
        lambda world, folder: ["stock", SALE, "--stock", "12"],
    ],
    "definitions": [lambda world, folder: ["--constrain"]],
    "expire_coupons": [lambda world, folder: []],
    "merchant": [
        lambda world, folder: ["create", "bistro"],
        lambda world, folder: ["key", "books", "--scopes", "read"],
        lambda world, folder: ["roll", world.known["prefix"]],
        lambda world, folder: ["revoke", world.known["prefix"], "--yes"],
    ],
    "new_campaign": [lambda world, folder: ["brunch", "--yes"]],
    "operator": [
        lambda world, folder: ["sora", "--role", "viewer"],
        lambda world, folder: ["viewer", "--link"],
        lambda world, folder: ["viewer", "--reset-totp"],
    ],
    "readiness": [lambda world, folder: [SALE, "--override", "on purpose"]],
    "rebuild": [lambda world, folder: [SALE]],
    "reconcile": [lambda world, folder: [SALE, "--repair"]],
    "revoke": [
        lambda world, folder: [SALE, _lines(folder), "--reason", "fraud", "--yes"],
    ],
    "unlock": [lambda world, folder: ["--all"]],
    "upgrade_redis": [lambda world, folder: []],
    "user_token": [lambda world, folder: ["ann"]],
}
# They change nothing, or are done where this test can't: with the reason.
NOT_WALKED = {
    "check": "reads", "plan_capacity": "reads", "verify_receipt": "reads",
    "grant": "has a durable transaction of its own; the job's rows are as of `revoke`",
    "dress_rehearsal": "takes a crowd and a minute; its events are of log.record_event",
    "proof_report": "needs a closed campaign; a command's own row, as of `user_token`",
    "notify": "sends a message to people: a command's own row, as of `user_token`",
    "flower": "starts a program", "runserver": "starts a program",
    "migrate": "changes tables: the database's user for that is in its server's log",
    "honour_receipt": "needs a lost claim: the verb's row is tested with the admin's",
    "replay_parked": "needs a parked claim: the verb's row is tested with the admin's",
    "prove": "needs a closed campaign: tests/coupons/proof; it calls log.record_event",
}  # fmt: skip


def test_every_command_is_walked_or_says_why_not() -> None:
    assert our_commands() == COMMANDS.keys() | NOT_WALKED.keys()
    assert not COMMANDS.keys() & NOT_WALKED.keys()


@pytest.mark.parametrize(
    ("name", "given"),
    [pytest.param(name, run, id=f"{name}-{number}")
     for name, runs in COMMANDS.items() for number, run in enumerate(runs)],
)  # fmt: skip
def test_a_command_leaves_an_event(world: World, tmp_path: Path, name: str, given: Given) -> None:
    newest = AuditEvent.objects.latest("id").pk
    call_command(name, *given(world, tmp_path))
    rows = list(AuditEvent.objects.filter(pk__gt=newest, actor_kind="command"))
    demand_event(rows, by="@")
