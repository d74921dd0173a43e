#!/usr/bin/env python
"""Django's command line, and ours: `python manage.py help`."""

import importlib.util
import os
import sys
from pathlib import Path

from django.core.management import execute_from_command_line


def main() -> None:
    if sys.argv[1:2] == ["test"]:
        run_pytest(sys.argv[2:])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        execute_from_command_line(sys.argv)
    except ModuleNotFoundError as missing:
        named = os.environ["DJANGO_SETTINGS_MODULE"]  # --settings has been put here
        if not missing.name or not f"{named}.".startswith(f"{missing.name}."):
            raise
        sys.stderr.write(f"There are no settings {named!r}.\n")
        sys.exit(2)


def run_pytest(arguments: list[str]) -> None:
    """`manage.py test`: replaces this process by pytest, which starts the servers it needs.

    Before any setting is read: tests leave alone what .env says.
    """
    if importlib.util.find_spec("pytest") is None:
        sys.exit("The tests are pytest's, which is not installed here. On a checkout: make test")
    os.chdir(Path(__file__).resolve().parent)
    os.environ |= {"ENV_FILES": os.devnull}
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *arguments])  # noqa: S606 - no shell


if __name__ == "__main__":
    main()
