"""Requests per second over HTTP: the claims endpoint ÷ the stock view, same processes."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from django.db import connections

from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.store import store
from tests.bench import baseline_view, bench_campaigns, bench_users, product_processes, wrk
from tests.bench.figures import Figure
from tests.bench.paired_rounds import Pairs, with_progress
from tests.bench.sample_sizes import Size

# Tokens for a block of claims, as a multiple of the stock view's requests in a block.
PLENTY = 2
Beside = Callable[[CampaignSnapshot], AbstractContextManager[object]]  # runs while claims are sent


@dataclass(slots=True)
class Site:
    """The site under load; `users`: the number of tokens to create for each block."""

    url: str
    tokens: Path
    seconds: int
    users: int


@dataclass(frozen=True, slots=True)
class Round:
    claims: wrk.WrkResult
    stock: wrk.WrkResult


def measure_rps_ratio(folder: Path, size: Size) -> list[Figure]:
    """Each claim has a new user and is admitted."""
    with product_processes.run_web(folder) as web:
        site = prepare_site(web.url, folder, seconds=size.wrk_s)
        _round(site, claims_first=True)  # warm-up
        rounds = [
            _round(site, claims_first=bool(number % 2))
            for number in with_progress("rps_ratio", size.wrk_rounds)
        ]
    return [_figure(rounds)]


def prepare_site(url: str, folder: Path, *, seconds: int) -> Site:
    """A site with enough users for a block: measured by the stock view's rate."""
    site = Site(url, folder / "tokens", seconds, users=1)
    wrk.write_tokens(site.tokens, bench_users.make_tokens(1))
    site.users = PLENTY * _stock(site).requests
    return site


def _round(site: Site, *, claims_first: bool) -> Round:
    if claims_first:
        first = measure_claims(site)
        return Round(first, _stock(site))
    stock_view = _stock(site)
    return Round(measure_claims(site), stock_view)


def _stock(site: Site) -> wrk.WrkResult:
    return wrk.run_wrk(
        site.url, baseline_view.PATH, tokens=site.tokens, seconds=site.seconds, again=True
    )


def measure_claims(site: Site, *, beside: Beside = nullcontext) -> wrk.WrkResult:
    """One block on a new campaign; repeated with twice the users if they were too few."""
    connections.close_all()  # idle during the last block: the server has closed it
    campaign = bench_campaigns.open_campaign("served", stock=site.users)
    wrk.write_tokens(site.tokens, bench_users.make_tokens(site.users))
    path = bench_campaigns.claims_path(campaign)
    try:
        with beside(campaign):
            result = wrk.run_wrk(site.url, path, tokens=site.tokens, seconds=site.seconds)
    except wrk.TooFewTokens:
        site.users *= 2
        return measure_claims(site, beside=beside)
    admitted = store().campaigns.gate(campaign.slug).admitted
    if admitted < result.requests:
        raise RuntimeError(f"{result.requests} claims were answered, {admitted} admitted.")
    return result


def _figure(rounds: list[Round]) -> Figure:
    ours = [one.claims.per_second for one in rounds]
    others = [one.stock.per_second for one in rounds]
    pairs = Pairs([1 / rate for rate in ours], [1 / rate for rate in others])
    return Figure(
        "rps_ratio", pairs.median_speed,
        {
            "total_ratio": pairs.total_speed,
            "claims_per_s": sum(ours) / len(rounds),
            "stock_per_s": sum(others) / len(rounds),
            "claims_mean_ms": sum(one.claims.mean_ms for one in rounds) / len(rounds),
            "stock_mean_ms": sum(one.stock.mean_ms for one in rounds) / len(rounds),
            "claims_p99_ms": max(one.claims.p99_ms for one in rounds),
        },
        {"claims_per_s": ours, "stock_per_s": others},
    )  # fmt: skip
