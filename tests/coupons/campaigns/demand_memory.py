"""`python -m tests.coupons.campaigns.demand_memory`: how much a campaign's demand takes.

On servers of its own: `python -m tests.servers python -m tests.coupons.campaigns.demand_memory`.
Fills the ring (every second asked for), once with what an ordinary sale has and once with every
outcome, four failures and every latency bucket, all in five digits. Prints a line of JSON: bytes in
Redis (MEMORY USAGE), µs of Redis to add a batch of a process (INFO commandstats), bytes of a
minute's row in MySQL. A few seconds.
"""

import json
import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from coupons.claims.values import Outcome  # noqa: E402
from coupons.observability.hot_counters import LATENCY_WORDS  # noqa: E402
from coupons.runtime import runtime  # noqa: E402
from coupons.store import keys, store  # noqa: E402
from coupons.store.demand import RING_S, Counted  # noqa: E402

ORDINARY = {"already_claimed": 40, "sold_out": 1_500} | dict.fromkeys(LATENCY_WORDS[1:5], 350)
FULL = dict.fromkeys(
    [*map(str, Outcome), "queue_full", "store_away", "too_many_requests", "overloaded",
     *LATENCY_WORDS],
    12_345,
)  # fmt: skip
BATCHES = 2_000


def ring_bytes(words: dict[str, int]) -> int:
    client, name = store().client, keys.campaign_keys("sale").demand
    client.delete(name)
    text = " ".join(f"{word}={count}" for word, count in words.items())
    now_s = store().server.now_ms() // 1000
    for second in range(now_s - RING_S, now_s):
        client.hset(name, str(second % RING_S), f"{second} {text}")
    return int(client.memory_usage(name, samples=0) or 0)


def batch_us(words: dict[str, int]) -> float:
    """µs of Redis for one call of `count.lua`."""
    client = store().client
    client.config_resetstat()
    for _ in range(BATCHES):
        store().demand.add_counts({"sale": Counted(1, 0, words)})
    stats = client.info("commandstats")["cmdstat_eval"]
    return float(stats["usec_per_call"])


def main() -> None:
    runtime.start_fresh()
    print(json.dumps({
        "ordinary_bytes": ring_bytes(ORDINARY), "full_bytes": ring_bytes(FULL),
        "ordinary_batch_us": batch_us(ORDINARY), "full_batch_us": batch_us(FULL),
        "row_bytes": len(json.dumps({str(second): ORDINARY for second in range(60)})),
        "full_row_bytes": len(json.dumps({str(second): FULL for second in range(60)})),
    }))  # fmt: skip


if __name__ == "__main__":
    main()
