"""`make run`: the whole site on this machine, until Ctrl-C."""

import fcntl
import secrets
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
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
        given_env = environment.given_environment()
        listen = listen_ports.ports_of_settings(given_env)
        folder.mkdir(parents=True, exist_ok=True)
        stack.enter_context(_folder_lock(folder))
        site = environment.make_site(folder, listen, environment=given_env)
        listen_ports.demand_free_ports(site.ports, own_redis=site.own_redis)
        screen.say("[bold]Starting[/]")
        programs = stack.enter_context(servers.deciding_store(site))
        _check_stores(site)
        prepared = _prepare(site)
        shop = partial(servers.example_shop, key=prepared["key"], campaign=prepared["slug"])
        programs += stack.enter_context(servers.running_servers(site, (*servers.ALL, shop)))
        _welcome(site, prepared, seconds=time.monotonic() - began)
        _watch_programs(programs)
    return 0


@contextmanager
def _folder_lock(folder: Path) -> Iterator[None]:
    """Lock the folder: two runs in one would overwrite each other's files. The lock ends with the
    process. Raises Trouble if another run has it."""
    with (folder / "run.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Trouble(
                f"`make run` is already at work in {_relative(folder)}: stop it with Ctrl-C first."
            ) from None
        yield


def _check_stores(site: Site) -> None:
    """Before anything is written. Raises Trouble for stores whose configuration breaks a
    guarantee."""
    report = django_subprocess.run_work(site, "check")
    if report["errors"]:
        raise Trouble(
            "The stores can't keep what this site promises, so it was not started:\n"
            + "\n".join(f"  ✗ {sentence}" for sentence in report["errors"])
            + "\nCheck again with: manage.py check --tag stores"
        )
    for sentence in report["warnings"]:
        screen.warn(sentence)
    screen.say_step("stores", "checked" + ", with a warning" * bool(report["warnings"]))


def _prepare(site: Site) -> Any:
    began = time.monotonic()
    flags = ["--own-database"] if site.own_database else []
    prepared = django_subprocess.run_work(
        site, "prepare_run", "--user", f"user-{secrets.token_hex(2)}", *flags
    )
    kind = site.env["DATABASE_URL"].partition(":")[0]
    summary = f"{kind}, migrated; campaign {prepared['slug']} is open"
    screen.say_step("database", summary, seconds=time.monotonic() - began)
    return prepared


def _welcome(site: Site, prepared: Any, *, seconds: float) -> None:
    page = f"{site.web_url}/api/v1/campaigns/{prepared['slug']}"
    password = site.env["ADMIN_PASSWORD"] if prepared["admin"] else "(the password it had)"
    screen.say(f"\n[bold green]Everything is up[/] after {seconds:.1f} s.\n")
    for name, where in (
        ("Event", f"{site.pages_url}/events/{prepared['slug']}"),
        ("Shop", f"{site.shop_url}/   log in with any name, get a coupon, redeem it"),
        ("API", page),
        ("Merchants", f"{site.merchants_url}/api/v1/merchant/   keys: manage.py merchant --help"),
        ("API docs", f"{site.operators_url}/api/v1/docs"),
        ("Admin", f"{site.operators_url}/admin/   admin   {password}"),
        ("Flower", site.flower_url),
        ("Metrics", f"{site.operators_url}/metrics, {site.consumer_url}/metrics"),
    ):
        screen.say_raw(f"  {name:<9} {where}")
    screen.say("\n[bold]Claim a coupon[/] (twice gives the same answer), and look it up:\n")
    screen.say_raw(f"  TOKEN={prepared['token']}")
    screen.say_raw(f'  curl -X POST {page}/claims -H "Authorization: Bearer $TOKEN"')
    screen.say_raw(f'  curl {page}/claims/me -H "Authorization: Bearer $TOKEN"')
    screen.say("\n[bold]Another user's token[/], in another terminal:\n")
    folder = _relative(site.folder)
    screen.say_raw(f"  {_env_files_prefix(site)}{_python()} manage.py user_token bob")
    screen.say(f"\nLogs are in {escape(folder)}/log. [bold]Ctrl-C stops everything.[/]\n")


def _watch_programs(programs: list[Program]) -> None:
    """Show the programs' new log lines and restart those that end, as systemd does in production.
    Raises Trouble when one ends too often."""
    for program in programs:
        program.new_lines()
    while True:
        for program in programs:
            for line in program.new_lines():
                screen.say_raw(f"{program.name:<7}| {line}")
            if program.restart_if_ended():
                screen.warn(f"{program.name} had ended and was started again.")
            program.raise_if_ended()
        signals.interruptible_sleep(_NEWS_EVERY_S)


def _env_files_prefix(site: Site) -> str:
    """How `manage.py` is told to use this folder's secrets; empty for `var`, the default."""
    path = site.folder / secrets_file.NAME
    return (
        "" if site.folder == env.BASE_DIR / "var" else f"ENV_FILES={shlex.quote(f'.env,{path}')} "
    )


def _relative(path: Path) -> str:
    return str(path.relative_to(env.BASE_DIR) if path.is_relative_to(env.BASE_DIR) else path)


def _python() -> str:
    return shlex.quote(_relative(Path(sys.executable)))
