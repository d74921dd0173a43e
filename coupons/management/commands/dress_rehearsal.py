"""`manage.py dress_rehearsal SLUG`: an opening of a shadow campaign on this very site.

Exit status 0: no line of the verdict is red. 1: one is, or the rehearsal was refused. 2: a wrong
value, an unknown campaign. 130: ended by Ctrl-C; everything was removed.
"""

import json
from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import CommandParser

from coupons.claims.quantities import counted_noun
from coupons.management.arguments import SLUG, Text, Whole
from coupons.management.base import ACTOR, SentenceCommand
from coupons.management.progress import ProgressLine
from coupons.models import Rehearsal
from coupons.readiness.crowd_size import MOST_PEOPLE, MOST_PER_SECOND
from coupons.readiness.result import Light
from coupons.rehearsal import start, work
from coupons.rehearsal.start import MOST_STOCK, Plan

_MARKS = {Light.GREEN: "✓", Light.AMBER: "!", Light.RED: "✗", Light.GREY: "·"}
_NAME_CHARS = 12


def site_address(value: str) -> str:
    """An address of the site, without a path."""
    parts = urlsplit(value.rstrip("/"))
    try:
        is_right = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # the port
        is_right = False
    if not is_right or parts.path or parts.query or parts.fragment or parts.username:
        raise ArgumentTypeError(f"{value!r} is no address such as http://10.0.1.5:8080.")
    return value.rstrip("/")


class Command(SentenceCommand):
    help = (
        "Hold a dress rehearsal: a shadow campaign like this one, a crowd that claims over HTTP, "
        "a verdict for the readiness board. Everything is removed afterwards."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("slug", type=SLUG)
        add("--people", type=Whole(1, MOST_PEOPLE), default=10_000, help="default 10000")
        add("--per-second", type=Whole(1, MOST_PER_SECOND), default=500, help="default 500")
        add("--stock", type=Whole(1, MOST_STOCK), default=0, help="default: the campaign's")
        add(
            "--url", type=site_address, action="append", default=[],
            help="an address of the site, may be repeated (default: WARM_UP_URLS)",
        )  # fmt: skip
        add(
            "--segment", type=Text(64), action="append",
            help="a segment that the shop's tokens carry, may be repeated (default: SHOP_SEGMENTS)",
        )  # fmt: skip
        add("--beside", action="store_true", help="although a campaign opens within 15 minutes")
        add("--json", action="store_true", help="for programs")
        add("--actor", type=ACTOR, default="manage.py", help="who rehearses")

    def handle(self, *args: Any, **options: Any) -> None:
        segments = options["segment"]
        plan = Plan(
            people=options["people"],
            per_second=options["per_second"],
            stock=options["stock"],
            urls=tuple(options["url"]),
            segments=tuple(settings.SHOP_SEGMENTS if segments is None else segments),
            beside=options["beside"],
        )
        rehearsal = start.begin_rehearsal(options["slug"], plan, actor=options["actor"])
        rehearsal = work.run_here(rehearsal, tell=_progress(options["slug"]))
        if options["json"]:
            self.stdout.write(json.dumps(_document(rehearsal), indent=1))
        else:
            self._show(rehearsal, options["slug"])
        if rehearsal.light == Light.RED:
            raise SystemExit(1)

    def _show(self, rehearsal: Rehearsal, slug: str) -> None:
        style: dict[str, Callable[[str], str]] = {
            Light.GREEN: self.style.SUCCESS, Light.AMBER: self.style.WARNING,
            Light.RED: self.style.ERROR,
        }  # fmt: skip
        for line in rehearsal.lines:
            row = f"{_MARKS[line['light']]} {line['name']:{_NAME_CHARS}} {line['seen']['en']}"
            self.stdout.write(style.get(line["light"], str)(row))
            if line["do"]["en"]:
                self.stdout.write(f"  {'':{_NAME_CHARS}} → {line['do']['en']}")
        rate = round(rehearsal.figures.get("per_second", 0))
        self.stdout.write(
            f"{slug} was rehearsed at {rate:,} a second: {rehearsal.light}. Everything is removed."
        )


def _progress(slug: str) -> Callable[[Rehearsal], None]:
    line = ProgressLine(slug)

    def tell(rehearsal: Rehearsal) -> None:
        asked = sum(rehearsal.figures.get("tally", {}).get("outcomes", {}).values())
        asked_text = counted_noun(asked, "person", "people")
        line(f"{rehearsal.get_state_display()}, {asked_text} of {rehearsal.people:,} asked")

    return tell


def _document(rehearsal: Rehearsal) -> dict[str, Any]:
    return {
        "light": rehearsal.light,
        "figures": rehearsal.figures,
        "lines": [
            {"name": line["name"], "light": line["light"], "seen": line["seen"]["en"],
             "do": line["do"]["en"]}
            for line in rehearsal.lines
        ],
    }  # fmt: skip
