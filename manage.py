#!/usr/bin/env python
"""Django's command line, and ours: `python manage.py help`."""

import os
import sys

from django.core.management import execute_from_command_line


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        execute_from_command_line(sys.argv)
    except ModuleNotFoundError as missing:
        named = os.environ["DJANGO_SETTINGS_MODULE"]  # --settings has been put here
        if not missing.name or not f"{named}.".startswith(f"{missing.name}."):
            raise
        sys.stderr.write(f"There are no settings {named!r}.\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
