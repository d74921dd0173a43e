"""`python -m tests.bench [NAME …] [--baseline FILE] [--quick] [--record]`: measure figures, write
them to a file and print them.

Starts a Redis and a MariaDB of its own on private ports. Exit status 1 if a figure misses its
limit.
"""

import sys
from argparse import ArgumentTypeError, Namespace
from pathlib import Path
from time import gmtime, strftime
from typing import Any

from django.utils.module_loading import import_string

from coupons.management.arguments import OneOf, SentenceParser, input_file, output_file
from tests.bench import console_tables, figures, measured_file, run_file
from tests.bench.environment import ROOT, start_environment
from tests.bench.figures import Figure
from tests.bench.sample_sizes import FULL, QUICK, Size

# Function → the figures it measures. Dotted paths, because the modules can be imported only after
# Django is configured with the servers' addresses.
MEASURES = {
    "tests.bench.claim_cpu.measure_admission": (
        "admission_cpu_ratio",
        "admission_shared_ratio",
    ),
    "tests.bench.claim_cpu.measure_sold_out": (
        "sold_out_cpu_ratio",
        "sold_out_shared_ratio",
    ),
    "tests.bench.claim_cpu.measure_not_open": ("not_open_cpu_ratio", "not_open_shared_ratio"),
    "tests.bench.storms.measure_storms": (
        "claims_beside_early",
        "claims_beside_late",
        "opening_in_a_storm",
    ),
    "tests.bench.http_rate.measure_rps_ratio": ("rps_ratio",),
    "tests.bench.thin_rate.measure_thin_ratio": ("claims_over_thin_wsgi",),
    "tests.bench.front_cost.measure_front_cost": ("front_cost", "front_rules_cost"),
    "tests.bench.watcher_cost.measure_watchers": ("watchers_core_share",),
    "tests.bench.scrape_cost.measure_scrape_cost": ("scrape_cost",),
    "tests.bench.per_view_cost.measure_per_view_cost": ("per_view_cost",),
    "tests.bench.token_cost.measure_tokens": ("token_rs256", "token_es256"),
    "tests.bench.token_cost.measure_claims": (
        "claim_rs256_ratio",
        "claim_es256_ratio",
        "claim_eddsa_ratio",
    ),
    "tests.bench.cross_origin_cost.measure_cross_origin": ("cross_origin_us",),
    "tests.bench.queue_mac_cost.measure_queue_mac": ("queue_mac_ratio",),
    "tests.bench.tracing_cost.measure_tracing_cost": ("tracing_cost",),
    "tests.bench.drain_rate.measure_drain_ratio": ("drain_ratio",),
    "tests.bench.redemption_rate.measure_redeem_ratio": ("redeem_ratio",),
    "tests.bench.checkout_latency.measure_checkout": ("redeem_ms", "quote_ms"),
    "tests.bench.expiry_rate.measure_expiry": ("expire_million_s",),
    "tests.bench.beside_claims.measure_beside_redemptions": ("opening_beside_redemptions",),
    "tests.bench.beside_claims.measure_beside_sweep": ("claims_beside_sweep",),
    "tests.bench.beside_claims.measure_beside_rehearsal": ("claims_beside_rehearsal",),
    "tests.bench.drain_delay.measure_drain_delay": ("drained_after_s",),
    "tests.bench.claimant_growth.measure_growth": ("bytes_per_claimant", "admission_growth"),
    "tests.bench.claimant_growth.measure_growth_on_valkey": (
        "bytes_per_claimant_valkey",
        "admission_growth_valkey",
    ),
    "tests.bench.many_campaigns.measure_campaign_growth": ("campaigns_growth",),
    "tests.bench.decision_rate.measure_decisions": ("redis_decisions_per_s",),
    "tests.bench.process_cost.measure_start": ("first_202_s",),
    "tests.bench.process_cost.measure_memory": ("web_rss_mb",),
}
NAMES = [name for names in MEASURES.values() for name in names]


_NO_RUN: tuple[dict[str, Any], list[Figure]] = ({}, [])


def main() -> int:
    options = parser().parse_args()
    if options.record and options.quick:
        parser().error("--record: small counts are no measurement of capacity (--quick)")
    about = _about(options.quick)
    baseline_run, baseline = options.baseline or _NO_RUN
    found: list[Figure] = []
    try:
        with start_environment() as folder:
            _measure(
                folder, set(options.names or NAMES), QUICK if options.quick else FULL, into=found
            )
    finally:  # also after a failure: the figures measured so far are kept
        _write_and_print(found, about, options)
    if options.baseline:
        console_tables.print_comparison(found, baseline, baseline_run["commit"])
    return 1 if figures.missed_goals(found) else 0


def _write_and_print(found: list[Figure], about: dict[str, Any], options: Namespace) -> None:
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(run_file.dump_run(found, about))
    console_tables.print_figures(found, about)
    print(f"Written to {options.output}.")
    if options.record:
        names = measured_file.write_measured(found, about)
        print(f"Written for capacity planning: {', '.join(names) or 'nothing new'}.")


def parser() -> SentenceParser:
    whole = SentenceParser(prog="python -m tests.bench", description=__doc__)
    whole.add_argument("names", type=OneOf(NAMES), nargs="*", metavar="NAME", help=", ".join(NAMES))
    whole.add_argument("--baseline", type=_earlier_run, help="an earlier run to compare with")
    whole.add_argument(
        "--quick", action="store_true", help="small counts; checks only that it runs"
    )
    whole.add_argument(
        "--record", action="store_true", help="also update the measurements for capacity planning"
    )
    whole.add_argument("--output", type=output_file, default=ROOT / "build" / "bench.json")
    return whole


def _earlier_run(text: str) -> tuple[dict[str, Any], list[Figure]]:
    """Read before anything is written, since it may be the output file."""
    file = input_file(text)
    try:
        return run_file.load_run(file.read_text())
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ArgumentTypeError(f"{text!r} is no result of this program.") from None


def _about(quick: bool) -> dict[str, Any]:
    return {
        "at": strftime("%Y-%m-%dT%H:%M:%SZ", gmtime()),
        "quick": quick,
        "commit": run_file.measured_commit(),
        "machine": run_file.describe_machine(),
    }


def _measure(folder: Path, wanted: set[str], size: Size, *, into: list[Figure]) -> None:
    for path, names in MEASURES.items():
        if wanted & set(names):
            with console_tables.print_duration(*names):
                into += import_string(path)(folder, size)


if __name__ == "__main__":
    sys.exit(main())
