"""Sizes of the measurements: FULL for reproducible figures, QUICK to check that it runs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    """Each measurement has `rounds`, in each of which both sides get a block of the same size."""

    cpu_rounds: int
    cpu_block: int  # requests
    drain_rounds: int
    drain_block: int  # claims
    redeem_rounds: int
    redeem_block: int  # redemptions
    checkout_s: int  # seconds of quotes, and then of redemptions, at a fixed rate
    expired: int  # coupons
    beside_rounds: int
    sweep_rounds: int
    swept: int  # coupons in a round
    wrk_rounds: int
    wrk_s: int  # seconds a block lasts
    scrape_loads: int
    scrape_s: int  # seconds a load lasts
    scrapes: int  # of a site with nothing else to do
    rush_rounds: int
    rush: int  # claims
    crowd: int  # claimants of the big campaign
    growth_rounds: int
    growth_block: int  # claims
    many: int  # open campaigns
    many_rounds: int
    many_block: int  # claims
    front_rounds: int
    front_block: int  # claims
    decision_rounds: int
    decision_block: int  # claims
    starts: int  # of a web process
    served_claims: int  # by a web process, before its memory is measured


FULL = Size(
    cpu_rounds=60, cpu_block=100,
    drain_rounds=12, drain_block=2_500,
    redeem_rounds=12, redeem_block=300, checkout_s=20, expired=1_000_000,
    beside_rounds=10, sweep_rounds=6, swept=150_000,
    wrk_rounds=7, wrk_s=2,
    scrape_loads=5, scrape_s=22, scrapes=100,
    rush_rounds=3, rush=10_000,
    crowd=1_000_000, growth_rounds=100, growth_block=50,
    many=1_000, many_rounds=30, many_block=500,
    front_rounds=100, front_block=20,
    decision_rounds=5, decision_block=50_000,
    starts=9, served_claims=1_000,
)  # fmt: skip
QUICK = Size(
    cpu_rounds=5, cpu_block=100,
    drain_rounds=2, drain_block=1_000,
    redeem_rounds=2, redeem_block=50, checkout_s=2, expired=5_000,
    beside_rounds=1, sweep_rounds=1, swept=20_000,
    wrk_rounds=1, wrk_s=1,
    scrape_loads=1, scrape_s=12, scrapes=10,
    rush_rounds=1, rush=2_000,
    crowd=20_000, growth_rounds=4, growth_block=50,
    many=20, many_rounds=2, many_block=100,
    front_rounds=4, front_block=10,
    decision_rounds=1, decision_block=10_000,
    starts=1, served_claims=100,
)  # fmt: skip
