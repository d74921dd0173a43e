"""`manage.py upgrade_redis`: bring the campaigns in Redis to the layout that this release reads."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from coupons.claims.quantities import counted_noun
from coupons.management.arguments import Number
from coupons.management.base import SentenceCommand
from coupons.recovery import layout_upgrade
from coupons.store import layouts, store
from coupons.store.layout_steps import Moment, all_steps

LONGEST_WAIT_S = 86_400


class Command(SentenceCommand):
    help = (
        "Bring the campaigns in Redis to the layout that this release reads, while claims go on. "
        "Safe to repeat at any time. A deployment runs it: --moment before, when the database is "
        "migrated and the first new process has not started; --moment after, when the last old "
        "process has ended."
    )

    def is_read(self, options: dict[str, Any]) -> bool:
        return bool(options["check"])

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--moment",
            choices=list(Moment),
            help="run the steps of this moment only; by default those of both, one after the other",
        )
        parser.add_argument(
            "--wait",
            type=Number(0, LONGEST_WAIT_S),
            default=60,
            help="seconds to wait for processes that can't read the new layout (default 60)",
        )
        parser.add_argument(
            "--check", action="store_true", help="change nothing; status 1 if a campaign lacks it"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["check"]:
            self._check()
            return
        moments = [Moment(options["moment"])] if options["moment"] else list(Moment)
        for moment in moments:
            self._upgrade(moment, options["wait"])

    def _upgrade(self, moment: Moment, wait_s: float) -> None:
        done = layout_upgrade.upgrade_campaigns(
            all_steps(), moment=moment, wait_s=wait_s, tell=self.stdout.write
        )
        for slug, layout in done.changed.items():
            self.stdout.write(f"{slug}: has layout {layout} now.")
        for slug, why in done.failed.items():
            self.stderr.write(f"{slug}: {why}")
        if done.awaited:
            raise CommandError(
                f"Still running, and unable to read the new layout: "
                f"{layout_upgrade.named(done.awaited)}. Stop or release them, then repeat this."
            )
        if done.failed:
            raise CommandError(f"Not upgraded: {', '.join(sorted(done.failed))}.")

    def _check(self) -> None:
        found = store().layouts.layouts_of(store().campaigns.installed_slugs())
        for slug, why in found.failed.items():
            self.stderr.write(f"{slug}: {why}")
        lacking = [slug for slug, layout in found.items() if layout not in (None, layouts.NEWEST)]
        if lacking or found.failed:
            raise CommandError(
                f"Not in layout {layouts.NEWEST}: {', '.join(sorted({*lacking, *found.failed}))}."
            )
        upgraded = counted_noun(len(found), "campaign has", "campaigns have")
        self.stdout.write(f"{upgraded} layout {layouts.NEWEST}.")
