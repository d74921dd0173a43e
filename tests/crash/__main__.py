"""`python -m tests.crash [--runs N] [--seed S]`: fault injection during openings under load.

Starts its own servers on private ports. Exit status 1 if the checker found anything wrong in a run;
its seed repeats the same users and faults.
"""

import random
import shutil
import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from time import gmtime, strftime
from typing import Any

from django.utils.module_loading import import_string

from coupons.claims.quantities import counted_noun
from coupons.management.arguments import Number, OneOf, SentenceParser, Whole, output_file
from tests.bench import run_file
from tests.crash import names
from tests.crash.programs import DATABASES, PRODUCT, broken_build
from tests.crash.stage import ROOT, Stage, start_stage


def main() -> int:
    options = parser().parse_args()
    seed = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    runs, faults = counted_noun(options.runs, "run"), counted_noun(options.faults, "fault")
    print(f"{runs} of {faults}, seeds from {seed}, on {options.database}.")
    build = broken_build(options.broken) if options.broken else PRODUCT
    with start_stage(database=options.database, build=build) as ours:
        failed = _play_all(ours, options, seed)
    print(f"Written to {options.output}.")
    return 1 if failed else 0


def _play_all(ours: Stage, options: Namespace, first: int) -> bool:
    # Imported here, since `coupons` can't be imported before Django is set up for the servers.
    plan, play, write = (
        import_string(f"tests.crash.{name}")
        for name in ("opening.make_plan", "opening.play_plan", "totals.write_totals")
    )
    runs: list[Any] = []
    about = {"at": strftime("%Y-%m-%dT%H:%M:%SZ", gmtime()), "database": options.database,
             "commit": run_file.measured_commit(),
             "machine": run_file.describe_machine()}  # fmt: skip
    for seed in range(first, first + options.runs):
        drawn = plan(
            seed, faults=options.faults, kinds=tuple(options.only), settle_s=options.settle
        )
        runs.append(play(ours, drawn))
        write(options.output, runs, about)
        _show_run(runs[-1], len(runs), options.runs)
        if not runs[-1].kept_its_word:
            _copy_evidence(ours, seed, options.output.parent / "crash" / str(seed))
            if options.stop:
                return True
    about["reconciled"] = _is_reconciled(ours)
    write(options.output, runs, about)
    return any(not run.kept_its_word for run in runs)


def _is_reconciled(ours: Stage) -> bool:
    """Whether the product's own `reconcile` finds both stores equal at the end."""
    try:
        ours.manage("rebuild", "--all")
        output = ours.manage("reconcile")
    except subprocess.CalledProcessError as error:
        print(f"reconcile: {error.stdout[-2000:]}{error.stderr[-2000:]}")
        return False
    print(output.splitlines()[-1])
    return True


def _show_run(run: Any, number: int, of: int) -> None:
    faults = " ".join(f"{kind}{f'×{n}' if n > 1 else ''}" for kind, n in run.faults.items())
    verdict = "kept" if run.kept_its_word else "BROKEN"
    print(
        f"{number}/{of} seed {run.seed}: told {run.told}, stored {run.stored}, {verdict}, "
        f"settled {run.settled_after_s:.1f} s, {run.seconds:.1f} s in all; {faults}",
        flush=True,
    )
    for name, wrongs in run.wrongs.items():
        if wrongs:
            print(f"    {name}: {len(wrongs)}, e.g. {'; '.join(wrongs[:3])}", flush=True)


def _copy_evidence(ours: Stage, seed: int, folder: Path) -> None:
    """Copy the history and all logs of a failed run."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in [*ours.folder.glob(f"crash-{seed}-*.jsonl"), *ours.folder.glob("*.log")]:
        shutil.copy(file, folder)
    print(f"    history and logs: {folder}; again: make crash-test RUNS=1 SEED={seed}", flush=True)


def parser() -> SentenceParser:
    whole = SentenceParser(prog="python -m tests.crash", description=__doc__)
    whole.add_argument("--runs", type=Whole(1, 100_000), default=20)
    whole.add_argument(
        "--seed", type=Whole(0, 2**32), help="of the first run; the next ones count up"
    )
    whole.add_argument("--faults", type=Whole(0, 1_000), default=6, help="per run")
    whole.add_argument(
        "--only", type=OneOf(names.fault_names()), action="append", default=[], metavar="FAULT"
    )
    whole.add_argument("--stop", action="store_true", help="at the first failed run")
    whole.add_argument(
        "--broken",
        type=OneOf(names.build_names()),
        help="serve with one protection removed: tests/crash/broken",
    )
    whole.add_argument(
        "--settle", type=Number(1, 3_600), default=60, help="seconds the end may take"
    )
    whole.add_argument("--database", choices=DATABASES, default="mariadb")
    whole.add_argument("--output", type=output_file, default=ROOT / "build" / "crash.json")
    return whole


if __name__ == "__main__":
    sys.exit(main())
