"""`python -m tests.coupons.proof.million_report`: the report of a million coupons, measured.

On servers of its own: `python -m tests.servers python -m tests.coupons.proof.million_report`.
A queued campaign, whose claimants are in Redis, with its root published. Prints a line of JSON:
seconds for the report and its two files, this process' own processor time and its memory. A minute.
"""

import json
import os
import resource
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.core.management import call_command  # noqa: E402

from coupons.models import Campaign  # noqa: E402
from coupons.proof import build, report, report_file  # noqa: E402
from coupons.recovery import rebuild  # noqa: E402
from coupons.runtime import runtime  # noqa: E402
from tests.coupons.proof.million_places import (  # noqa: E402
    MILLION,
    closed_campaign_of,
    seconds_of,
)


def main() -> None:
    runtime.start_fresh()
    call_command("migrate", verbosity=0)
    campaign = closed_campaign_of(MILLION, "queued")
    rebuild.rebuild_campaign(campaign.slug, actor="bench")
    campaign = Campaign.objects.get()
    build.prove_campaign(campaign, actor="bench")
    kept: dict[str, Any] = {}

    def compute() -> None:
        kept["figures"] = report.compute_report(campaign)

    wall, own = seconds_of(compute)
    figures = kept["figures"]
    page, _ = seconds_of(lambda: report_file.render_html(figures, "ko"))
    unchecked = [name for name, one in figures["findings"].items() if not one["is_checked"]]
    print(
        json.dumps(
            {
                "coupons": figures["counts"]["stored"],
                "report_s": wall,
                "report_cpu_s": own,
                "page_s": page,
                "json_kb": len(report_file.render_json(figures)) // 1000,
                "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
                "faults": report.faults_of(figures),
                "unchecked": unchecked,
            }
        )
    )


if __name__ == "__main__":
    main()
