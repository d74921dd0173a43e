"""`python -m tests.crash.experiments NAME [--rounds N]`: repeats one kind of fault and measures.

Figures go to build/crash-NAME.json. Exit status 1 if a promise was broken (in a control: if not).
"""

import json
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import gmtime, strftime
from typing import Any

from django.utils.module_loading import import_string

from coupons.management.arguments import SentenceParser, Whole
from tests.bench import run_file
from tests.crash.programs import DATABASES, PRODUCT, Build, broken_build
from tests.crash.stage import ROOT, start_stage

_WAIT = {"REDIS_WAIT_REPLICAS": "1"}


@dataclass(frozen=True, slots=True)
class Experiment:
    """The function and the stage that it needs. The function gets the stage and a number of rounds
    and returns figures, of which `broken` counts violations. `alone` needs no stage."""

    path: str
    rounds: int
    settings: Mapping[str, str] = field(default_factory=dict)
    replica: bool = False
    build: Build = PRODUCT
    control: bool = False
    alone: bool = False
    proxied: bool = True
    fronted: bool = True


EXPERIMENTS = {
    "failover": Experiment("failover.play_rounds", 50, _WAIT, replica=True),
    "failover-without": Experiment(
        "failover.play_rounds", 20, {}, replica=True, build=broken_build("no_fence"), control=True
    ),
    "emptied": Experiment("emptied.play_rounds", 20),
    "emptied-without": Experiment(
        "emptied.play_rounds", 20, {}, build=broken_build("no_recent_admissions"), control=True
    ),
    "broker": Experiment("broker.play_rounds", 20),
    "half-open": Experiment("half_open.play_rounds", 5),
    "silent": Experiment("silent.play_rounds", 6),
    "database-away": Experiment("database_away.play_rounds", 60, proxied=False),
    "soak": Experiment("soak.play_rounds", 60),
    "order": Experiment("order.play_rounds", 1_000, proxied=False),
    "repeats": Experiment("repeats.play_rounds", 100, proxied=False),
    "deploys": Experiment("deploys.play_rounds", 50),
    "deploys-without": Experiment("deploys.play_undrained", 3, control=True),
    "bells": Experiment("bells.play_rounds", 1_000),
    "again": Experiment("again.play_rounds", 1_000),
    "overload": Experiment("overload.play_rounds", 4, {"SHED_AFTER_S": "0"}),
    "overload-self": Experiment("overload.play_rounds", 4, fronted=False),
    "overload-without": Experiment("overload.play_rounds", 1, {"SHED_AFTER_S": "0"}, control=True),
    "doors": Experiment("doors.play_rounds", 1, {"SHED_AFTER_S": "0"}),
    "doors-without": Experiment("doors.play_rounds", 1, fronted=False, control=True),
    "disk": Experiment("disk.play_rounds", 10, alone=True),
    "wait": Experiment("wait.play_rounds", 3, replica=True),
}


def main() -> int:
    options = parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the stage ends its programs
    experiment = EXPERIMENTS[options.name]
    result = _play_experiment(experiment, options.rounds or experiment.rounds, options.database)
    about = {"at": strftime("%Y-%m-%dT%H:%M:%SZ", gmtime()), "commit": run_file.measured_commit(),
             "machine": run_file.describe_machine(), "database": options.database}  # fmt: skip
    output = ROOT / "build" / f"crash-{options.name}.json"
    output.parent.mkdir(exist_ok=True)
    output.write_text(json.dumps({**about, **result}, indent=1) + "\n")
    print(json.dumps(result, indent=1))
    print(f"Written to {output}.")
    return int(bool(result["broken"]) != experiment.control)


def _play_experiment(experiment: Experiment, rounds: int, database: str) -> dict[str, Any]:
    """Imports the experiment inside the stage: `coupons` can't be imported before."""
    path = f"tests.crash.experiments.{experiment.path}"
    if experiment.alone:
        return dict(import_string(path)(None, rounds))
    with start_stage(
        database=database,
        build=experiment.build,
        settings=experiment.settings,
        replica=experiment.replica,
        proxied=experiment.proxied,
        fronted=experiment.fronted,
    ) as ours:
        return dict(import_string(path)(ours, rounds))


def parser() -> SentenceParser:
    whole = SentenceParser(prog="python -m tests.crash.experiments", description=__doc__)
    whole.add_argument("name", choices=EXPERIMENTS)
    whole.add_argument(
        "--rounds",
        type=Whole(1, 1_000_000),
        help="or database-away: seconds; soak: minutes; again, bells, order, repeats: thousands",
    )
    whole.add_argument("--database", choices=DATABASES, default="mariadb")
    return whole


if __name__ == "__main__":
    sys.exit(main())
