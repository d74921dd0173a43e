"""`python -m tests.verbs [VERB …]`: runs every target of the Makefile in a form that takes seconds.

In a copy of the checkout, so that `fmt` and `clean` change nothing here and a running `make run` is
not disturbed. Exit status 1 if a target failed, or if the Makefile has one that this program does
not know.
"""

import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

from coupons.management.arguments import OneOf, SentenceParser
from tests.harness import servers
from tests.harness.checkout_copy import ROOT, Copy, Failed, demand_that, wait_until
from tests.provisioning.running_cloud import serve_cloud


def show_help(copy: Copy) -> None:
    said = copy.make()
    demand_that(
        all(f"\n{verb} " in f"\n{said}" for verb in makefile_verbs()), "a verb is not listed", said
    )


def run_and_load(copy: Copy) -> None:
    """`load` and `load-ui` use the site that `run` serves."""
    with copy.making("run") as said:
        wait_until(lambda: "Ctrl-C stops everything." in said(), "everything is up", said)
        printed = copy.make("load", "LOAD=-u 100 --stock 20 --seconds 2 --gather 3")
        record = copy.read("build/load-opening.json")
        demand_that(record["verdict"]["stored"] == 20, "20 coupons are not stored", printed)
        load_ui(copy)
    wait_until(lambda: "Everything is stopped." in said(), "everything is stopped", said)


def load_ui(copy: Copy) -> None:
    port = servers.free_port()
    with copy.making("load-ui", f"LOAD=--web-port {port}") as said:
        # It has started when it answers: an interrupt before that is lost.
        wait_until(lambda: _answers(port), "its page", said)
        where = {
            at.laddr.ip
            for at in psutil.net_connections("tcp")
            if at.status == psutil.CONN_LISTEN and at.laddr.port == port
        }
    demand_that(where == {"127.0.0.1"}, f"it listens on {where}", said())


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as page:
            return bool(page.read(1))
    except OSError:
        return False


def run_demo(copy: Copy) -> None:
    printed = copy.make("demo", DEMO_USERS="200", DEMO_STOCK="50")
    demand_that(copy.read("build/demo.json")["stored"] == 50, "50 coupons are not stored", printed)


def show_plan(copy: Copy) -> None:
    """On the tests' cloud, which is empty: everything is to be created."""
    with serve_cloud(copy.folder) as url:
        said = copy.make(
            "plan", "ENV=hello", COUPON_OPERATOR="198.51.100.7/32", AWS_ACCESS_KEY_ID="of-a-test",
            AWS_SECRET_ACCESS_KEY="of-a-test", AWS_ENDPOINT_URL=url,
        )  # fmt: skip
    demand_that("a month" in said, "no costs", said)


def crash_test(copy: Copy) -> None:
    said = copy.make("crash-test", "RUNS=1", "SEED=1", "CRASH=--faults 2")
    demand_that("1/1 seed 1" in said, "no run", said)


def run_bench(copy: Copy) -> None:
    copy.make("bench", "BENCH=redis_decisions_per_s --quick")
    demand_that(
        "redis_decisions_per_s" in copy.read("build/bench.json")["figures"], "no figure", ""
    )


def run_compare(copy: Copy) -> None:
    said = copy.make("compare", "COMPARE=--quick")
    demand_that(
        len(copy.read("build/compare.json")["readings"]["saturated"]) == 4, "not four", said
    )


def make_report(copy: Copy) -> None:
    said = copy.make("report", "REPORT=--quick")
    demand_that("queued: 100 told, 100 stored" in said, "100 coupons are not stored", said)
    page = (copy.folder / "build" / "report.html").read_text()
    demand_that(page.count('src="data:image/png;base64,') == 3, "no three pictures", said)


def run_rehearsal(copy: Copy) -> None:
    """Only its network. Where that is impossible, the target must say why."""
    try:
        copy.make("rehearse", "REHEARSE=--short")
    except Failed as failed:
        demand_that("No rehearsal on this machine" in str(failed), "rehearse", str(failed))


def run_container_test(copy: Copy) -> None:
    """Its images and a small sale; where that can't be had, the target must say why."""
    said = copy.make("container-test", "CONTAINERS=--people 200")
    well = "keep what they promise" in said or "No containers on this machine" in said
    demand_that(well, "no verdict", said)


def list_licences(copy: Copy) -> None:
    said = copy.make("licences")
    listed = (copy.folder / "build" / "licences.md").read_text()
    demand_that("| django | " in listed and "GPL-3.0-or-later" in listed, "not listed", said)


def write_sbom(copy: Copy) -> None:
    said = copy.make("sbom")
    names = {component["name"] for component in copy.read("build/sbom.json")["components"]}
    demand_that({"django", "mysqlclient"} <= names, f"it lists {names}", said)
    demand_that("pytest" not in names, "it lists tools of tests", said)


def update_pins(copy: Copy) -> None:
    """One package, not installed. Where uv reaches no index, the target must say so."""
    try:
        said = copy.make("update", "UPDATE=--package idna --no-tests")
    except Failed as failed:
        demand_that("could not be compiled" in str(failed), "update", str(failed))
    else:
        demand_that("No version changed." in said or "idna" in said, "no result", said)


def run_fmt(copy: Copy) -> None:
    copy.make("fmt")
    changed = subprocess.run(["git", "diff"], cwd=copy.folder, capture_output=True, text=True)
    demand_that(not changed.stdout, "it changed formatted files", changed.stdout)


def run_clean(copy: Copy) -> None:
    copy.make("clean")
    left = [name for name in (".venv", "build", "var") if (copy.folder / name).is_symlink()
            or (copy.folder / name).exists()]  # fmt: skip
    left += [str(found) for found in copy.folder.rglob("__pycache__")]
    demand_that(not left, f"left: {left}", "")


# Lanes run at the same time, since most targets mostly wait; targets of a lane one after another.
# Two, since the slow tests run beside them: with four, peers of `compare` refused claims.
LANES: tuple[dict[str, Callable[[Copy], None]], ...] = (
    {
        "help": show_help,
        "run load load-ui": run_and_load,
        "demo": run_demo,
        "fmt": run_fmt,
        "plan": show_plan,
        "licences": list_licences,
        "sbom": write_sbom,
        "update": update_pins,
        "report": make_report,
        "bench": run_bench,
        "crash-test": crash_test,
        "rehearse": run_rehearsal,
    },
    {"compare": run_compare, "container-test": run_container_test},
)
LAST: dict[str, Callable[[Copy], None]] = {"clean": run_clean}


def makefile_verbs() -> list[str]:
    return re.findall(r"^([a-z-]+):.* ## ", (ROOT / "Makefile").read_text(), re.MULTILINE)


def unrun_verbs() -> set[str]:
    """Targets that neither this program nor `.ci/run` calls."""
    ours = {verb for lane in (*LANES, LAST) for names in lane for verb in names.split()}
    return set(makefile_verbs()) - ours - set((ROOT / ".ci" / "run").read_text().split())


def play_lane(lane: dict[str, Callable[[Copy], None]], copy: Copy, asked: list[str]) -> bool:
    well = True
    for names, verb in lane.items():
        if asked and not set(asked) & set(names.split()):
            continue
        began, why = time.monotonic(), ""
        try:
            verb(copy)
        except (Failed, OSError, ValueError, subprocess.SubprocessError) as failed:
            well, why = False, f"\n{failed}"
        mark = "✗" if why else "✓"
        print(f"  {mark} make {names}  {time.monotonic() - began:.0f} s{why}", flush=True)
    return well


def parser() -> SentenceParser:
    whole = SentenceParser(prog="python -m tests.verbs", description=__doc__)
    whole.add_argument("verbs", type=OneOf(makefile_verbs()), nargs="*", metavar="VERB")
    return whole


def main() -> int:
    if missing := unrun_verbs():
        print(f"No test runs {', '.join(sorted(missing))}: add it to {__file__}.")
        return 1
    began, asked = time.monotonic(), parser().parse_args().verbs
    with tempfile.TemporaryDirectory(prefix="coupons-verbs-") as name:
        copy = Copy(Path(name))
        with ThreadPoolExecutor(len(LANES)) as beside:
            well = list(beside.map(lambda lane: play_lane(lane, copy, asked), LANES))
        well.append(play_lane(LAST, copy, asked))
    print(f"Every target works. {time.monotonic() - began:.0f} s" if all(well) else "✗")
    return 0 if all(well) else 1


if __name__ == "__main__":
    sys.exit(main())
