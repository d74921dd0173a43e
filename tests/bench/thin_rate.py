"""Claims per second over HTTP: the product ÷ a thin WSGI application without Django, which does the
same admission (`thin_wsgi`), on the same cores with as many processes and threads."""

import json
from pathlib import Path
from statistics import fmean
from urllib.request import Request, urlopen

from django.conf import settings

from tests.bench import bench_campaigns, bench_users, http_rate, product_processes
from tests.bench.figures import Figure
from tests.bench.paired_rounds import interleave_blocks
from tests.bench.sample_sizes import Size

THIN = "tests.bench.thin_wsgi:application"
READY_PATH = "/ready"


def thin_environment() -> dict[str, str]:
    """The settings that it reads, as the product has them."""
    keys = ",".join(f"{key_id}:{key.hex()}" for key_id, key in settings.COUPON_KEYS.items())
    return {
        "REDIS_URL": settings.REDIS_URL,
        "JWT_HS256_SECRET": settings.JWT_HS256_SECRET,
        "JWT_ISSUER": settings.JWT_ISSUER,
        "JWT_AUDIENCE": settings.JWT_AUDIENCE,
        "COUPON_KEYS": keys,
    }


def measure_thin_ratio(folder: Path, size: Size) -> list[Figure]:
    """Each claim has a new user and is admitted."""
    with (
        product_processes.run_web(folder) as product,
        product_processes.run_granian(
            folder / "thin.log", application=THIN, ready=READY_PATH, env=thin_environment()
        ) as thin,
    ):
        demand_same_answer(product.url, thin.url)
        site = http_rate.prepare_site(product.url, folder, seconds=size.wrk_s)
        other = http_rate.Site(thin.url, site.tokens, site.seconds, site.users)
        pairs = interleave_blocks(
            "claims_over_thin_wsgi",
            lambda: 1 / http_rate.measure_claims(site).per_second,
            lambda: 1 / http_rate.measure_claims(other).per_second, rounds=size.wrk_rounds,
        )  # fmt: skip
    ours, theirs = ([1 / cost for cost in side] for side in (pairs.ours, pairs.theirs))
    return [
        Figure(
            "claims_over_thin_wsgi", pairs.median_speed,
            {
                "total_ratio": pairs.total_speed,
                "claims_per_s": fmean(ours),
                "thin_per_s": fmean(theirs),
            },
            {"claims_per_s": ours, "thin_per_s": theirs},
        )
    ]  # fmt: skip


def demand_same_answer(*urls: str) -> None:
    """One user claims at each. Raises RuntimeError if the bodies differ."""
    campaign = bench_campaigns.open_campaign("same", stock=1)  # the first loads the script
    [token] = bench_users.make_tokens(1)
    path = bench_campaigns.claims_path(campaign)
    bodies = [_body(Request(f"{url}{path}", b'{"nth":1}', _headers(token))) for url in urls]
    if any(body != bodies[0] for body in bodies):
        raise RuntimeError(f"The answers to one claim differ: {bodies}")


def _headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}


def _body(request: Request) -> object:
    with urlopen(request, timeout=10) as response:
        return json.load(response)
