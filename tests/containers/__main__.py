"""`python -m tests.containers`: build the images of compose.yaml, start the site, play a sale.

Everything runs below namespaces of its own, on a network without a way out, and ends with this
program. Where a machine can't run containers it says why, and ends with status 0.
"""

import fcntl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config import env
from config.containers import new_settings
from config.env_files import read_env_file
from coupons.management.arguments import SentenceParser, Whole, output_folder
from tests.containers import machine, sale
from tests.containers.compose_file import read_composition
from tests.containers.machine import Podman
from tests.containers.site import Site, Unwell, served

STOPPED = ("worker", "beat", "consumer", "users", "broker")  # one after the other, under load


def parser() -> SentenceParser:
    parser = SentenceParser("python -m tests.containers")
    parser.add_argument("--people", type=Whole(1, 20_000), default=2_000, help="who claim")
    parser.add_argument("--within", type=output_folder, help="for the program itself: its folder")
    return parser


def main(arguments: list[str]) -> int:
    options = parser().parse_args(arguments)
    if options.within:
        return play(options.within, options.people)
    try:
        machine.demand_fit()
    except machine.Unfit as why:
        print(f"No containers on this machine: {why}.")
        return 0
    run = machine.cache() / "run"  # Podman wants the same place each time
    run.mkdir(parents=True, exist_ok=True)
    again = [sys.executable, "-m", "tests.containers", "--people", str(options.people)]
    command = machine.within_namespaces(run, *again, "--within", str(run))
    with one_at_a_time(run.parent / "lock"):
        return subprocess.run(command, cwd=env.BASE_DIR, check=False).returncode


@contextmanager
def one_at_a_time(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def play(folder: Path, people: int) -> int:
    """Below the namespaces."""
    began, podman = time.monotonic(), Podman(folder)
    settings = folder / "settings"
    new_settings.write_settings(settings, [sale.HOST])
    composition = read_composition({"COUPON_SETTINGS": str(settings)})
    machine.make_base(podman)
    machine.build_images(podman, composition)
    print(f"The images are built ({time.monotonic() - began:.0f} s).", flush=True)
    machine.leave_network()
    try:
        with served(podman, composition) as site:
            print(f"Every service is healthy ({time.monotonic() - began:.0f} s).", flush=True)
            machine.name_address(site.address("api"), sale.HOST, folder)
            check(site, settings, people)
    except Unwell as fault:
        print(f"FAILED: {fault}")
        return 1
    print(f"The containers keep what they promise ({time.monotonic() - began:.0f} s).")
    return 0


def check(site: Site, settings: Path, people: int) -> None:
    sale.demand_confined(site)
    secret = read_env_file(settings / "doors.env")["JWT_HS256_SECRET"]
    selling = sale.Sale(site, secret, "https://shop.local", stock=people * 3 // 4)
    selling.install()
    selling.claim(range(people // 2))
    selling.demand_told_is_stored()

    def stop_each() -> None:
        for name in STOPPED:
            site.stop(name)
            site.restart(name)

    selling.claim(range(people // 2, people), meanwhile=stop_each)
    for name in STOPPED:
        site.wait_healthy(name)
    selling.demand_told_is_stored()
    demand_sold_out(selling, people)


def demand_sold_out(selling: sale.Sale, people: int) -> None:
    told = {row.user for row in selling.told()}
    sale.demand(len(told) == selling.stock, f"{len(told)} of a stock of {selling.stock} were told")
    late = selling.ask_as("late")
    sale.demand((late.status, late.outcome) == (409, "sold_out"), f"late: {late}")
    print("  the stock is sold, and SIGTERM to each service lost nothing")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
