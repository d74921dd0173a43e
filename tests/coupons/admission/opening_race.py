"""Threads that claim while a campaign opens, on the real Redis, and what was wrong about it."""

import threading
from dataclasses import dataclass
from itertools import count

from coupons.admission import strategies
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.values import Claim, Outcome
from coupons.store import keys, store


def set_gate(slug: str = "sale", /, **fields: int) -> None:
    """As another process changes a campaign; times in ms."""
    store().client.hset(keys.campaign_keys(slug).gate, mapping=fields)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Asked:
    """A claim of the race, with Redis' time before and after it in ms."""

    before_ms: int
    outcome: Outcome
    after_ms: int


def race_over_opening(campaign: CampaignSnapshot, *, opens_in_ms: int = 1000) -> list[str]:
    """Four threads claim for new users until the opening has passed. What was wrong, in words."""
    opens_ms = store().server.now_ms() + opens_in_ms
    set_gate(campaign.slug, opens=opens_ms)
    numbers, asked = count(), list[Asked]()

    def claim_on() -> None:
        before_ms = 0
        while before_ms < opens_ms + 150:
            before_ms = store().server.now_ms()
            outcome = strategies.admit(campaign, Claim(f"racer-{next(numbers)}")).outcome
            asked.append(Asked(before_ms, outcome, store().server.now_ms()))

    threads = [threading.Thread(target=claim_on) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one.outcome is Outcome.NOT_OPEN for one in asked) > 20, len(asked)
    return [
        str(one)
        for one in asked
        if (one.outcome is Outcome.NOT_OPEN and one.before_ms >= opens_ms)
        or (one.outcome is Outcome.ADMITTED and one.after_ms < opens_ms)
    ]
