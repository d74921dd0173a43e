#!/usr/bin/env python
"""Django's command line, and ours: `python manage.py help`."""

import os
import sys
from pathlib import Path

from django.core.management import execute_from_command_line

LAPTOP = Path(__file__).parent / "var" / "local.env"  # the secrets that `make run` made


def join_the_laptop() -> None:
    """Beside a `make run`, speak with its secrets; what the environment says comes first."""
    if os.environ.get("COUPONS_ENV", "local") == "local" and LAPTOP.exists():
        for line in LAPTOP.read_text().splitlines():
            name, _, value = line.partition("=")
            os.environ.setdefault(name, value)


if __name__ == "__main__":
    join_the_laptop()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    execute_from_command_line(sys.argv)
