"""`manage.py runserver`: Django's development server, with static files from their sources."""

from typing import Any

from django.conf import settings
from django.contrib.staticfiles.management.commands import runserver
from django.core.management.base import CommandError


class Command(runserver.Command):
    help = "Start Django's development server. For a whole site with its workers: make run"

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError(
                "runserver is for development. In production granian serves the site."
            )
        options["insecure_serving"] = True  # else static files only with DEBUG, which is never on
        super().handle(*args, **options)
