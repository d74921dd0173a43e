"""`python locust/coefficients.py build/bench.json`: the coefficients of the capacity page, from a
bench. The one place where the page's numbers come from; then `manage.py plan_capacity --table`.
"""

import json
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

from typed import SentenceParser, input_file

FILE = Path(__file__).with_suffix(".json")


def of(bench: dict[str, Any]) -> dict[str, float | str]:
    """Per core or process, as `plan_capacity` reads them."""
    figures = bench["figures"]
    drain, claimant = figures["drain_ratio"]["details"], figures["bytes_per_claimant"]
    machine = bench["machine"]
    return {
        "source": f"bench at {bench['commit']}, {machine['cpu']}, {machine['cores']} cores",
        "claims_per_s_per_core": round(
            1e6 / figures["admission_cpu_ratio"]["details"]["us_per_claim"]
        ),
        "stored_per_s_per_worker": round(drain["claims_per_s"]),
        "decisions_per_s": round(figures["redis_decisions_per_s"]["value"]),
        "bytes_per_claimant": round(claimant["value"]),
        "bytes_per_waiting_claim": round(claimant["details"]["with_queue"] - claimant["value"]),
        "rows_per_s_per_database_core": round(drain["rows_per_s"]),
    }


def main() -> None:
    FILE.write_text(json.dumps(parser().parse_args().bench, indent=1) + "\n")
    print(f"{FILE} is written. Now put the table of `manage.py plan_capacity --table` into README.")


def parser() -> SentenceParser:
    it = SentenceParser(description=__doc__)
    it.add_argument("bench", type=_of_bench, help="build/bench.json")
    return it


def _of_bench(said: str) -> dict[str, float | str]:
    file = input_file(said)
    try:
        return of(json.loads(file.read_text()))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ArgumentTypeError(f"{said!r} is no bench with all these figures.") from None


if __name__ == "__main__":
    main()
