"""`make run`: the whole site on this machine, until Ctrl-C."""

import fcntl
import secrets
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from rich.markup import escape

from config import env
from config.development import environment, listen_ports, secrets_file
from config.development.demo import django_subprocess
from config.development.environment import Site
from config.development.process import screen, servers, signals
from config.development.process.errors import Trouble
from config.development.process.programs import Program

_NEWS_EVERY_S = 0.2


def run_site(folder: Path) -> int:
    """Serve until a signal (raises Stopped) or until a program ends too often (raises Trouble)."""
    began = time.monotonic()
    with ExitStack() as stack:
        given = environment.given_environment()
        chosen = listen_ports.ports_of_settings(given)
        folder.mkdir(parents=True, exist_ok=True)
        stack.enter_context(_alone(folder))
        here = environment.make_site(folder, chosen, environment=given)
        listen_ports.demand_free_ports(here.ports, own_redis=here.own_redis)
        screen.say("[bold]Starting[/]")
        programs = stack.enter_context(servers.deciding_store(here))
        _check_stores(here)
        prepared = _prepare(here)
        programs += stack.enter_context(servers.running_servers(here, servers.ALL))
        _welcome(here, prepared, seconds=time.monotonic() - began)
        _attend(programs)
    return 0


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Lock the folder: two runs in one would overwrite each other's files. The lock ends with the
    process. Raises Trouble if another run has it."""
    with (folder / "run.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Trouble(
                f"`make run` is already at work in {_short(folder)}: stop it with Ctrl-C first."
            ) from None
        yield


def _check_stores(here: Site) -> None:
    """Before anything is written. Raises Trouble for stores whose configuration breaks a
    guarantee."""
    found = django_subprocess.run_work(here, "check")
    if found["errors"]:
        raise Trouble(
            "The stores can't keep what this site promises, so it was not started:\n"
            + "\n".join(f"  ✗ {sentence}" for sentence in found["errors"])
            + "\nCheck again with: manage.py check --tag stores"
        )
    for sentence in found["warnings"]:
        screen.warn(sentence)
    screen.say_step(
        "stores", "keep what they are told" + ", with a caution" * bool(found["warnings"])
    )


def _prepare(here: Site) -> Any:
    began = time.monotonic()
    whose = ["--own-database"] if here.own_database else []
    prepared = django_subprocess.run_work(
        here, "prepare_run", "--user", f"user-{secrets.token_hex(2)}", *whose
    )
    kind = here.env["DATABASE_URL"].partition(":")[0]
    what = f"{kind}, migrated; campaign {prepared['slug']} is open"
    screen.say_step("database", what, seconds=time.monotonic() - began)
    return prepared


def _welcome(here: Site, prepared: Any, *, seconds: float) -> None:
    page = f"{here.web_url}/api/v1/campaigns/{prepared['slug']}"
    password = here.env["ADMIN_PASSWORD"] if prepared["admin"] else "(the password it had)"
    screen.say(f"\n[bold green]Everything is up[/] after {seconds:.1f} s.\n")
    for name, where in (
        ("API", page),
        ("API docs", f"{here.operators_url}/api/v1/docs"),
        ("Admin", f"{here.operators_url}/admin/   admin   {password}"),
        ("Flower", here.flower_url),
        ("Metrics", f"{here.operators_url}/metrics, {here.consumer_url}/metrics"),
    ):
        screen.say_raw(f"  {name:<9} {where}")
    screen.say("\n[bold]Claim a coupon[/] (twice gives the same answer), and look it up:\n")
    screen.say_raw(f"  TOKEN={prepared['token']}")
    screen.say_raw(f'  curl -X POST {page}/claims -H "Authorization: Bearer $TOKEN"')
    screen.say_raw(f'  curl {page}/claims/me -H "Authorization: Bearer $TOKEN"')
    screen.say("\n[bold]Another user's token[/], in another terminal:\n")
    folder = _short(here.folder)
    screen.say_raw(f"  {_joined(here)}{_python()} manage.py user_token bob")
    screen.say(f"\nLogs are in {escape(folder)}/log. [bold]Ctrl-C stops everything.[/]\n")


def _attend(programs: list[Program]) -> None:
    """Show the programs' new log lines and restart those that end, as systemd does in production.
    Raises Trouble when one ends too often."""
    for program in programs:
        program.news()
    while True:
        for program in programs:
            for line in program.news():
                screen.say_raw(f"{program.name:<7}| {line}")
            if program.again():
                screen.warn(f"{program.name} had ended and was started again.")
            program.check()
        signals.interruptible_sleep(_NEWS_EVERY_S)


def _joined(here: Site) -> str:
    """How `manage.py` is told to use this folder's secrets; empty for `var`, the default."""
    path = here.folder / secrets_file.NAME
    return (
        "" if here.folder == env.BASE_DIR / "var" else f"ENV_FILES={shlex.quote(f'.env,{path}')} "
    )


def _short(path: Path) -> str:
    return str(path.relative_to(env.BASE_DIR) if path.is_relative_to(env.BASE_DIR) else path)


def _python() -> str:
    return shlex.quote(_short(Path(sys.executable)))
