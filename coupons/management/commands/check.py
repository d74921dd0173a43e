"""`manage.py check`, which also asks Redis and MySQL when told `--tag stores`."""

from typing import Any

from django.core.checks import register
from django.core.management.commands import check

from coupons.checks import SERVERS, STORES


class Command(check.Command):
    def handle(self, *app_labels: Any, **options: Any) -> None:
        if options["list_tags"] or STORES in (options["tags"] or ()):
            for asking in SERVERS:
                register(asking, STORES)
        super().handle(*app_labels, **options)
