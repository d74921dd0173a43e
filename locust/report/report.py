"""`make report`: an opening with both strategies, sampled from outside, as one page of charts.

    python -m tests.servers python locust/report/report.py [--quick] [--out build/report.html]
    python locust/report/report.py --record build/load-opening.json

The first needs REDIS_URL and DATABASE_URL of servers for it alone; the second draws charts from the
record of a finished Locust run (without samples of the machine). Exit status 1 if a told claim was
not stored.
"""

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentTypeError, Namespace
from dataclasses import dataclass
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "compare"))


import html_page
import stored_coupons
from charts import Run
from option_types import Number, SentenceParser, Whole, input_file, output_file
from sampling import sample_site
from site_processes import TOP, Site, serve_site

ROADS = ("direct", "queued")  # before, after


@dataclass(frozen=True, slots=True)
class Crowd:
    people: int
    stock: int
    seconds: float  # in which they come, half of them in the first tenth


FULL, QUICK = Crowd(6_000, 4_000, 10), Crowd(200, 100, 2)
PATIENCE_S = 60  # no timeouts: slow answers must be in the charts


def main() -> int:
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit(143)
    )  # stop the started programs, as Ctrl-C does
    options = parser().parse_args()
    runs = options.record or _play(_crowd(options))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.with_suffix(".json").write_text(json.dumps(runs) + "\n")
    options.out.write_text(html_page.render_page(runs))
    well = all(run["verdict"]["well"] for run in runs.values())
    print(f"{'Every told coupon is stored' if well else 'WITH FAULTS'}: {options.out}")
    return 0 if well else 1


def parser() -> SentenceParser:
    flags = SentenceParser(description=__doc__)
    flags.add_argument("--quick", action="store_true", help="few people; not a measurement")
    flags.add_argument("--people", type=Whole(1, 10_000_000), help="default: 6000; --quick: 200")
    flags.add_argument("--stock", type=Whole(1, 10_000_000), help="default: 4000; --quick: 100")
    flags.add_argument("--seconds", type=Number(0.1, 86_400), help="default: 10; --quick: 2")
    flags.add_argument("--record", type=_runs_before, help="record of a finished Locust run")
    flags.add_argument("--out", type=output_file, default=TOP / "build" / "report.html")
    return flags


def _runs_before(text: str) -> dict[str, Run]:
    file = input_file(text)
    try:
        runs = _read(file)
        if runs and all("well" in run["verdict"] for run in runs.values()):
            return runs
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise ArgumentTypeError(f"{text!r} is no record of a run.")


def _crowd(options: Namespace) -> Crowd:
    plan = QUICK if options.quick else FULL
    return Crowd(
        options.people or plan.people, options.stock or plan.stock, options.seconds or plan.seconds
    )


def _read(path: Path) -> dict[str, Run]:
    """A Locust record, or the runs of an earlier report, by strategy."""
    parsed = json.loads(path.read_text())
    return {parsed["strategy"]: parsed} if "strategy" in parsed else parsed


def _play(crowd: Crowd) -> dict[str, Run]:
    with tempfile.TemporaryDirectory(prefix="coupons-report-") as name:
        folder = Path(name)
        migrate = [sys.executable, str(TOP / "manage.py"), "migrate", "-v0"]
        subprocess.run(migrate, check=True)
        with serve_site(folder) as site:
            time.sleep(3)  # the worker has no health page to wait for
            return {road: _opening(site, road, crowd, folder) for road in ROADS}


def _opening(site: Site, road: str, crowd: Crowd, folder: Path) -> Run:
    slug = f"report-{road}-{secrets.token_hex(3)}"
    count = partial(stored_coupons.count_stored, os.environ["DATABASE_URL"], slug)
    record, log = folder / f"{road}.json", folder / f"{road}.log"
    with log.open("wb") as out:
        people = subprocess.Popen(
            _locust(site, road, crowd, slug, record), env=os.environ | site.env,
            stdout=out, stderr=out, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            site.parts.add_group("load", people.pid)
            with sample_site(site.parts, stored=count, metrics_url=site.metrics_url) as samples:
                people.wait()
        finally:
            people.terminate()
            people.wait()
    if not record.exists():
        raise RuntimeError(log.read_text()[-3000:])
    run: Run = json.loads(record.read_text())
    print(
        f"{road}: {run['verdict']['told']:,} told, {run['verdict']['stored']:,} stored", flush=True
    )
    return run | {"samples": samples, "cores": os.cpu_count()}


def _locust(site: Site, road: str, crowd: Crowd, slug: str, record: Path) -> list[str]:
    return [
        sys.executable, "-m", "locust", "-f", str(TOP / "locust" / "locustfile.py"), "--headless",
        "--only-summary", "--host", site.url, "--scenario", "opening", "--name", slug,
        "--users", str(crowd.people), "--stock", str(crowd.stock), "--strategy", road,
        "--seconds", str(crowd.seconds), "--patience", str(PATIENCE_S), "--record", str(record),
        "--ask-back", "50",
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
