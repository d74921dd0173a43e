"""`manage.py notify`: test the notifications, or list the last ones."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from coupons.claims.quantities import counted_noun
from coupons.claims.timestamps import local_text
from coupons.management.base import SentenceCommand
from coupons.models import Notification, NotificationKind
from coupons.notifications import noticing, sending, texts


class Command(SentenceCommand):
    help = (
        "Show the last notifications to operators, and how their sending went. With --test, send "
        "one now on each channel that is set: it fails if a server does not take it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--test", action="store_true", help="send a test on each channel")

    def handle(self, *args: Any, **options: Any) -> None:
        channels = noticing.channels_in_use()
        if options["test"]:
            if not channels:
                raise CommandError("Nobody is named: set NOTIFY_EMAILS or NOTIFY_WEBHOOK_URL.")
            for channel in channels:
                self._test(str(channel))
            return
        for row in Notification.objects.order_by("-id")[:20]:
            state = f"{row.state} {row.error}".strip()
            self.stdout.write(f"{local_text(row.at)} {row.event} by {row.channel}: {state}")
        used = ", ".join(channels) or "none"
        kept = counted_noun(Notification.objects.count(), "notification")
        self.stdout.write(f"Channels: {used}. {kept}.")

    def _test(self, channel: str) -> None:
        kind = NotificationKind.TEST
        try:
            sending.send_text(channel, texts.subject_of(kind, {}), texts.body_of(kind, {}))
        except sending.NotSent as failure:
            raise CommandError(f"By {channel}: not sent, {failure}.") from failure
        self.stdout.write(f"By {channel}: sent.")
