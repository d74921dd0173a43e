"""The command line. Each command is one call into verbs/."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from provisioning.aws import connect_cloud
from provisioning.blueprint.judged_names import judge_made_names
from provisioning.output import Show
from provisioning.parameters import ACCOUNT, AT_ONCE, HOST, HOSTS, LCU, Folder, Name
from provisioning.run import Run
from provisioning.spec.load import load_spec
from provisioning.verbs.apply import apply
from provisioning.verbs.destroy import destroy
from provisioning.verbs.doctor import doctor, show_policy
from provisioning.verbs.inventory import inventory
from provisioning.verbs.plan import plan
from provisioning.verbs.prices import write_prices
from provisioning.verbs.restore import restore
from provisioning.verbs.rotate import rotate
from provisioning.verbs.scale import scale, sleep, wake
from provisioning.verbs.ssh import ssh
from provisioning.verbs.status import status
from provisioning.verbs.warm import cool, warm

OPTIONS = (
    click.option(
        "--env", "environment", type=Name(), required=True, help="NAME of environments/NAME.toml.",
    ),
    click.option(
        "--operator", multiple=True, envvar="COUPON_OPERATOR", metavar="CIDR",
        help="Address that may use ssh, like 198.51.100.7/32. Repeatable. Never guessed.",
    ),
    click.option(
        "--certificate", default="", envvar="COUPON_CERTIFICATE", metavar="ARN",
        help="The load balancer's certificate in ACM, in place of balancer.certificate_arn.",
    ),
    click.option("--profile", type=Name(), help="AWS profile; AWS_PROFILE and the like work too."),
    click.option("--output", type=click.Choice(["table", "json"]), default="table"),
    click.option("--yes", is_flag=True, help="Ask nothing."),
)  # fmt: skip

Command = Callable[..., int]


def on_environment(command: Command) -> Command:
    """Decorator: adds the options that every verb has."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def _run(
    environment: str,
    operator: tuple[str, ...],
    certificate: str,
    profile: str | None,
    output: str,
    yes: bool,
) -> Run:
    show = Show(as_json=output == "json", yes=yes)
    spec = load_spec(
        environment=environment,
        operator=operator,
        certificate=certificate,
        rules=(judge_made_names,),
    )
    return Run(spec=spec, cloud=connect_cloud(spec, profile=profile), show=show)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Provisioning of the coupon service on AWS: one spec, one idempotent command."""


@main.command("plan")
@on_environment
def plan_command(**options: Any) -> int:
    """Show what apply would do, and the cost. Exit code 2 when there are changes."""
    return plan(_run(**options))


@main.command("apply")
@on_environment
@click.option(
    "--at-once", type=AT_ONCE, default=6, show_default=True, help="Steps executed in parallel."
)
def apply_command(at_once: int, **options: Any) -> int:
    """Execute the plan. Continues where a killed run stopped; asks before destructive steps."""
    return apply(_run(**options), at_once=at_once)


@main.command("status")
@on_environment
def status_command(**options: Any) -> int:
    """Show existing resources, their addresses, and drift. Exit code 2 when something differs."""
    return status(_run(**options))


@main.command("destroy")
@on_environment
@click.option("--skip-final-snapshot", is_flag=True, help="Lose the data permanently.")
@click.option(
    "--at-once", type=AT_ONCE, default=6, show_default=True, help="Steps executed in parallel."
)
def destroy_command(skip_final_snapshot: bool, at_once: int, **options: Any) -> int:
    """Delete everything, then search for leftovers. Asks for the environment's name."""
    return destroy(_run(**options), final_snapshot=not skip_final_snapshot, at_once=at_once)


@main.command("restore")
@on_environment
@click.option("--snapshot", type=Name(), required=True, help="The database's snapshot.")
@click.option(
    "--at-once", type=AT_ONCE, default=6, show_default=True, help="Steps executed in parallel."
)
def restore_command(snapshot: str, at_once: int, **options: Any) -> int:
    """Build the environment with the database from a snapshot, and its secrets that were kept."""
    return restore(_run(**options), snapshot=snapshot, at_once=at_once)


@main.command("warm")
@on_environment
@click.option("--lcu", "units", type=LCU, required=True, help="Capacity units to reserve.")
def warm_command(units: int, **options: Any) -> int:
    """Reserve capacity of the load balancer for an opening. Billed until `cool`."""
    return warm(_run(**options), units=units)


@main.command("cool")
@on_environment
def cool_command(**options: Any) -> int:
    """Give the reserved capacity of the load balancer back."""
    return cool(_run(**options))


@main.command("scale")
@on_environment
@click.option("--api", type=HOSTS, help="Hosts that answer users.")
@click.option("--consumer", type=HOSTS, help="Hosts that store claims.")
def scale_command(api: int | None, consumer: int | None, **options: Any) -> int:
    """Have other counts of hosts than the spec's, until told otherwise."""
    counts = {"api": api, "consumer": consumer}
    wanted = {role: count for role, count in counts.items() if count is not None}
    if not wanted:
        raise click.UsageError("Give --api or --consumer.")
    return scale(_run(**options), wanted=wanted)


@main.command("sleep")
@on_environment
def sleep_command(**options: Any) -> int:
    """Stop all hosts and the database, between sales."""
    return sleep(_run(**options))


@main.command("wake")
@on_environment
def wake_command(**options: Any) -> int:
    """Start what `sleep` has stopped."""
    return wake(_run(**options))


@main.command("inventory")
@on_environment
@click.option("--out", type=Folder(), default="", help="Folder to write to. [build/inventory/NAME]")
@click.option(
    "--bastion-address", type=HOST, default="", help="Use this instead of its public address."
)
def inventory_command(out: str, bastion_address: str, **options: Any) -> int:
    """Write Ansible's inventory, ssh.cfg and known_hosts."""
    return inventory(_run(**options), out=out, bastion_address=bastion_address)


@main.command("ssh")
@on_environment
@click.option("--out", type=Folder(), default="", help="Folder the inventory was written to.")
@click.option("--run", "go", is_flag=True, help="Run it instead of printing it.")
@click.argument("host", type=Name())
@click.argument("rest", nargs=-1)
def ssh_command(host: str, rest: tuple[str, ...], out: str, go: bool, **options: Any) -> int:
    """Print (or --run) the ssh command for HOST, through the bastion."""
    return ssh(_run(**options), host=host, out=out, go=go, rest=rest)


@main.command("rotate")
@on_environment
@click.option("--finish", is_flag=True, help="Accept the new ones only, after site.yml has run.")
@click.argument("cache", type=Name())
def rotate_command(cache: str, finish: bool, **options: Any) -> int:
    """Exchange the token of CACHE, or its users' passwords: both are accepted until --finish."""
    return rotate(_run(**options), cache=cache, finish=finish)


@main.command("prices")
@on_environment
def prices_command(**options: Any) -> int:
    """Write AWS' current prices into prices.toml. Exit code 1 if some were not found."""
    return write_prices(_run(**options))


@main.command("doctor")
@on_environment
@click.option("--policy", is_flag=True, help="Print the IAM policy these verbs need, and stop.")
@click.option("--account", type=ACCOUNT, default="*", help="The account's number, for --policy.")
def doctor_command(policy: bool, account: str, **options: Any) -> int:
    """Check credentials, offers, quotas, permissions, before anything is created."""
    run = _run(**options)
    return show_policy(run, account=account) if policy else doctor(run)
