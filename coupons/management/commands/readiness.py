"""`manage.py readiness SLUG`: is everything ready for this opening?

Exit status 0: nothing is red, or there is an override. 1: a line is red, or the opening is on hold;
the last sentence says what that means for the opening. 2: a wrong value, an unknown campaign.
"""

import json
from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandParser

from coupons.campaigns import opening_hold
from coupons.management.arguments import SLUG
from coupons.management.base import ACTOR, SentenceCommand
from coupons.readiness import board
from coupons.readiness.board import Board
from coupons.readiness.result import Light, Line
from coupons.readiness.verdict import opening_verdict
from coupons.readiness.warmup import warm_up

_MARKS = {Light.GREEN: "✓", Light.AMBER: "!", Light.RED: "✗", Light.GREY: "·"}
_NAME_CHARS = 12


class Command(SentenceCommand):
    help = "Show the board of an opening. Exit status 1 if something is red."

    def is_read(self, options: dict[str, Any]) -> bool:
        return not options["override"]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", type=SLUG)
        parser.add_argument("--json", action="store_true", help="for programs")
        parser.add_argument("--warm-up", action="store_true", help="do it now")
        parser.add_argument(
            "--override", metavar="REASON", help="let it open although red; the reason is recorded"
        )
        parser.add_argument("--actor", type=ACTOR, default="manage.py", help="who overrides")

    def handle(self, *args: Any, **options: Any) -> None:
        result = _act_and_check(options)
        if options["json"]:
            self.stdout.write(json.dumps(result.as_json(), indent=1))
        else:
            self._show(result)
        if result.not_ready or result.held:
            raise SystemExit(1)

    def _show(self, result: Board) -> None:
        style: dict[Light, Callable[[str], str]] = {
            Light.GREEN: self.style.SUCCESS, Light.AMBER: self.style.WARNING,
            Light.RED: self.style.ERROR, Light.GREY: str,
        }  # fmt: skip
        for line in result.lines:
            self.stdout.write(style[line.light](_row(line)))
            if line.do:
                self.stdout.write(f"  {'':{_NAME_CHARS}} → {line.do}")
        self.stdout.write(opening_verdict(result))


def _act_and_check(options: dict[str, Any]) -> Board:
    """Raises CouponError, ValidationError."""
    slug = options["slug"]
    if options["override"] is not None:
        opening_hold.override_hold(slug, actor=options["actor"], reason=options["override"])
    if options["warm_up"]:
        warm_up(board.readiness_board(slug).campaign)
    return board.readiness_board(slug)


def _row(line: Line) -> str:
    return f"{_MARKS[line.light]} {line.name:{_NAME_CHARS}} {line.seen}"
