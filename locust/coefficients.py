"""`python locust/coefficients.py build/bench.json`: the coefficients of the capacity page, from a
bench. The one place where the page's numbers come from; then `manage.py plan_capacity --table`.
"""

import json
import sys
from pathlib import Path
from typing import Any

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


def main(bench: Path) -> None:
    FILE.write_text(json.dumps(of(json.loads(bench.read_text())), indent=1) + "\n")
    print(f"{FILE} is written. Now put the table of `manage.py plan_capacity --table` into README.")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
