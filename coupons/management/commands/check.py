"""`manage.py check`; with `--tag stores` it also checks Redis, the broker and MySQL."""

from typing import Any

from django.core.checks import register
from django.core.management.base import CommandError
from django.core.management.commands import check

from coupons.management.arguments import ASKED_WRONGLY
from coupons.management.base import SentenceCommand
from coupons.monitoring.server_checks import SERVERS, STORES


class Command(SentenceCommand, check.Command):
    def is_read(self, options: dict[str, Any]) -> bool:
        return True

    def handle(self, *app_labels: Any, **options: Any) -> None:
        if options["list_tags"] or STORES in (options["tags"] or ()):
            for check_function in SERVERS:
                register(check_function, STORES)
        try:
            super().handle(*app_labels, **options)
        except LookupError as unknown:
            raise CommandError(str(unknown), returncode=ASKED_WRONGLY) from None
