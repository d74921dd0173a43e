"""A process that claims coupons as fast as it can: `asker ROAD SLUG SEED COUNT USERS`.

Prints one JSON line with every answer: [user, outcome, place]. ROAD is `product`, or one of the
negative controls: the same decision made the wrong way.
"""

import json
import os
import random
import sys
import time
from collections.abc import Callable

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import transaction  # noqa: E402

from coupons.admission import strategies  # noqa: E402
from coupons.campaigns import lookup  # noqa: E402
from coupons.campaigns.snapshot import CampaignSnapshot  # noqa: E402
from coupons.claims.values import Admission, AdmittedClaim, Claim, Outcome  # noqa: E402
from coupons.issuing import writer  # noqa: E402
from coupons.models import Tally  # noqa: E402
from coupons.store import keys, store  # noqa: E402

Ask = Callable[[CampaignSnapshot, Claim], Admission]


def look_then_increment(campaign: CampaignSnapshot, claim: Claim) -> Admission:
    """Redis without a script: read, decide in Python, write."""
    client, gate = store().client, keys.campaign_keys(campaign.slug).gate
    stock, given = map(int, client.hmget(gate, "stock", "next"))  # type: ignore[arg-type]
    if given >= stock:
        return Admission(Outcome.SOLD_OUT, 0, 0)
    return Admission(Outcome.ADMITTED, int(client.hincrby(gate, "next", 1)), 1)


def count_without_a_lock(campaign: CampaignSnapshot, claim: Claim) -> Admission:
    """MySQL without the row lock: read, decide, insert."""
    stored = Tally.objects.get(campaign_id=campaign.id).stored
    if stored >= campaign.stock:
        return Admission(Outcome.SOLD_OUT, 0, 0)
    time.sleep(0.002)
    with transaction.atomic():
        writer.insert_rows(campaign, [AdmittedClaim(claim.user, 1, stored + 1, 1)])
    return Admission(Outcome.ADMITTED, stored + 1, 1)


ROADS: dict[str, Ask] = {
    "product": strategies.admit,
    "look-then-increment": look_then_increment,
    "count-without-a-lock": count_without_a_lock,
}


def main(road: str, slug: str, seed: str, count: str, users: str) -> None:
    campaign, ask = lookup.find_snapshot(slug), ROADS[road]
    choose = random.Random(int(seed))
    told: list[tuple[str, str, int]] = []
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()  # all processes start at once
    for _ in range(int(count)):
        user = f"user-{choose.randrange(int(users))}"
        try:
            admitted = ask(campaign, Claim(user))
            told.append((user, admitted.outcome, admitted.place))
        except Exception as error:
            told.append((user, type(error).__name__, 0))
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
