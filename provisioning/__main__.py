"""python -m provisioning VERB --env NAME"""

from __future__ import annotations

import json
import sys

import click

from provisioning.cli import main
from provisioning.errors import ProvisioningError

MISUSED = 64  # EX_USAGE of sysexits.h; click's own 2 would look like plan's "there are changes"


def run_command(arguments: list[str]) -> int:
    """Returns the exit code: 0 done, 1 failed, 2 there are changes (plan, status), 64 usage error,
    130 interrupted."""
    try:
        return int(main.main(args=arguments, prog_name="provisioning", standalone_mode=False) or 0)
    except ProvisioningError as error:
        _print_error(error, as_json="json" in arguments)
        return 1
    except click.Abort:
        click.echo("Stopped. Run the same command again to go on.", err=True)
        return 130
    except click.exceptions.NoArgsIsHelpError as no_arguments:
        no_arguments.show()
        return MISUSED
    except click.ClickException as usage_error:
        click.echo(
            f"{usage_error.format_message().rstrip('.')}. See: {_command_path(usage_error)} --help",
            err=True,
        )
        return MISUSED


def _command_path(usage_error: click.ClickException) -> str:
    context = getattr(usage_error, "ctx", None)
    return context.command_path if context else "provisioning"


def _print_error(error: ProvisioningError, *, as_json: bool) -> None:
    click.echo(f"{error.sentence}\n{error.todo}".rstrip(), err=True)
    if as_json:
        document = {"error": error.code, "sentence": error.sentence, "todo": error.todo}
        click.echo(json.dumps(document, indent=2))


if __name__ == "__main__":
    sys.exit(run_command(sys.argv[1:]))
