"""`make compare`: the write-up's experiment on this machine, and three other designs.

    python -m tests.servers python locust/compare/run.py [--rounds 3] [--quick]

Needs REDIS_URL and DATABASE_URL of servers of its own. Writes build/compare.json and .png. Exit
status 1 if in any round told was not stored, or a claim was not admitted; with --quick, by one of
ours.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import machine_info
import MySQLdb
import option_types
import provider_keys
from contenders import (
    HERE,
    TOP,
    Comparison,
    Contender,
    plan_comparison,
    plan_signed_pair,
    secrets_for_all,
)
from measured_rounds import CONNECTIONS, Round, Times, by_locust, by_wrk
from programs import running
from ratios import (
    GOALS,
    Rounds,
    list_faults,
    median_figures,
    median_rps,
    ratio_lines,
    summary_ratios,
)

OVERLOAD = 3  # offered load of the second measurement, as a multiple of the maximum of `direct`


@dataclass(frozen=True, slots=True)
class Plan:
    rounds: int
    saturated: Times
    offered: Times
    wrk: Times
    processes: int  # of Locust
    may_refuse: tuple[str, ...] = ()  # keys of peers


FULL = Plan(3, Times(2, 5), Times(4, 8), Times(1, 4), 1)
# No measurement, so a peer may refuse claims, as it does on a busy machine.
QUICK = Plan(1, Times(1, 2), Times(1, 2), Times(1, 1), 1, may_refuse=("C", "D", "E", "DR"))
BY_WRK = ("B", "D", "E", "BR", "DR")


def main() -> int:
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit(143)
    )  # stop the started programs, as Ctrl-C does
    asked = parser().parse_args()
    plan = QUICK if asked.quick else FULL
    plan = replace(plan, rounds=asked.rounds or plan.rounds, processes=asked.processes)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="coupons-compare-") as name, ExitStack() as stack:
        contenders = _stand(Path(name), stack, asked.peers_python, asked.tokens)
        found = _compare(plan, contenders, Path(name))
    found["tokens"] = asked.tokens
    found["took_s"] = round(time.monotonic() - began)
    _write(found, asked.out)
    _draw(asked.out, asked.peers_python)
    _show(found, asked.out)
    return 1 if found["faults"] else 0


def parser() -> option_types.SentenceParser:
    it = option_types.SentenceParser(description=__doc__)
    it.add_argument(
        "--rounds",
        type=option_types.Whole(0, 1_000),
        default=0,
        help="0: three, or one with --quick",
    )
    it.add_argument("--quick", action="store_true", help="one short round; not a measurement")
    it.add_argument(
        "--processes", type=option_types.Whole(1, 256), default=1, help="number of Locust processes"
    )
    it.add_argument(
        "--tokens", choices=("HS256", "RS256", "ES256"), default="HS256",
        help="how the shop signs its users' tokens; the same for all designs",
    )  # fmt: skip
    it.add_argument("--out", type=option_types.output_file, default=TOP / "build" / "compare.json")
    venv = TOP / ".venv" / "peers" / "bin" / "python"
    its_own = str(venv) if venv.exists() else sys.executable
    it.add_argument("--peers-python", type=option_types.program_file, default=its_own)
    return it


def _stand(folder: Path, stack: ExitStack, peers_python: str, tokens: str) -> dict[str, Contender]:
    """Create the databases and start all programs. Those not under load stay idle."""
    shared = secrets_for_all(os.environ)
    if tokens != "HS256":
        shared |= provider_keys.make_keys(folder, tokens)
    os.environ.update(shared)
    env = shared | {name: os.environ[name] for name in ("REDIS_URL", "DATABASE_URL")}
    database = _second_database("tutorial")
    plans = [plan_comparison(folder, env, database, peers_python)]
    of_provider = folder / "provider"
    of_provider.mkdir()
    keys = provider_keys.make_keys(of_provider, "RS256")
    plans.append(plan_signed_pair(folder, env, keys, peers_python))
    contenders = {key: one for plan in plans for key, one in plan.contenders.items()}
    _start(plans, contenders, stack, folder)
    return contenders


def _start(
    plans: list[Comparison], contenders: dict[str, Contender], stack: ExitStack, folder: Path
) -> None:
    for contender in {c.manage: c for c in contenders.values()}.values():
        command = [sys.executable, str(contender.manage), "migrate", "-v0", "--run-syncdb"]
        subprocess.run(command, env=os.environ | contender.env, check=True)
    for plan in plans:
        for program in plan.programs:
            stack.enter_context(running(program, folder))
    time.sleep(3)  # the workers have no health page to wait for


def _second_database(name: str) -> str:
    parts = urlsplit(os.environ["DATABASE_URL"])
    connection = MySQLdb.connect(
        host=parts.hostname, port=parts.port, user=parts.username, passwd=parts.password
    )
    connection.cursor().execute(f"CREATE DATABASE IF NOT EXISTS {name} CHARACTER SET utf8mb4")
    connection.close()
    return os.environ["DATABASE_URL"].rsplit("/", 1)[0] + f"/{name}"


def _compare(plan: Plan, who: dict[str, Contender], folder: Path) -> dict[str, Any]:
    """Alternate within every round, so that other load on the machine affects all equally."""
    saturated: Rounds = defaultdict(list)
    wrk: Rounds = defaultdict(list)
    offered: Rounds = defaultdict(list)
    for number in range(1, plan.rounds + 1):
        for key in "ABCD":
            one = by_locust(
                who[key], "saturate", CONNECTIONS, plan.saturated,
                folder=folder, processes=plan.processes,
            )  # fmt: skip
            saturated[key].append(_tell("saturated", number, who[key], one))
        for key in BY_WRK:
            one = by_wrk(who[key], plan.wrk, folder=folder)
            wrk[key].append(_tell("by wrk", number, who[key], one))
    users = round(OVERLOAD * median_rps(saturated["A"]))
    for number in range(1, plan.rounds + 1):
        for key in "AB":
            one = by_locust(who[key], "think", users, plan.offered, folder=folder)
            offered[key].append(_tell(f"{users} people", number, who[key], one))
    return _found(plan, users, saturated, offered, wrk)


def _found(
    plan: Plan, users: int, saturated: Rounds, offered: Rounds, wrk: Rounds
) -> dict[str, Any]:
    readings = {"saturated": saturated, "offered": offered, "wrk": wrk}
    return {
        **summary_ratios(saturated, offered, wrk),
        "goals": GOALS,
        **machine_info.describe_machine(),
        "rounds": plan.rounds,
        "seats": CONNECTIONS,
        "offered_per_s": users,
        "note": "Load generator, servers and stores share this machine's cores.",
        "faults": list_faults(may_refuse=plan.may_refuse, **readings),
        "medians": {
            name: {key: median_figures(rounds) for key, rounds in reading.items()}
            for name, reading in readings.items()
        },
        "readings": readings,
    }


def _tell(reading: str, number: int, who: Contender, one: Round) -> Round:
    print(
        f"round {number}  {reading:12} {who.key:2} {who.name:14} {one['rps']:8,.0f}/s"
        f"  mean {one['ms'].get('mean', 0):8,.1f} ms  told {one['told']:,}"
        f" stored {one['stored']:,} {'✗' if one['faults'] or one['not_admitted'] else '✓'}",
        flush=True,
    )
    return one


def _write(found: dict[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=1) + "\n")


def _draw(path: Path, python: str) -> None:
    command = [python, str(HERE / "plot.py"), str(path), str(path.with_suffix(".png"))]
    if subprocess.run(command, check=False).returncode:
        print("No chart: is matplotlib installed? See requirements/peers.in.", file=sys.stderr)


def _show(found: dict[str, Any], path: Path) -> None:
    print(*ratio_lines(found), sep="\n")
    for fault in found["faults"]:
        print(f"✗ {fault}")
    print(f"{found['took_s']} s on {found['machine']}, commit {found['commit']}; {path}")


if __name__ == "__main__":
    sys.exit(main())
