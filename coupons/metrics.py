"""The declared vocabulary of metrics. Labels: enums and known campaigns, never users."""

from functools import cache

from prometheus_client import Counter, Histogram

CLAIMS = Counter("coupon_claims_total", "Claims answered.", ["campaign", "outcome"])
BELLS_LOST = Counter("coupon_bells_lost_total", "Bells that could not be sent; beat rings again.")


@cache  # one child per known campaign and answer; looking it up costs more than counting
def _claims(campaign: str, outcome: str) -> Counter:
    return CLAIMS.labels(campaign, outcome)


def count_claim(campaign: str, outcome: str) -> None:
    _claims(campaign, outcome).inc()


STORED = Counter("coupon_stored_total", "Coupons stored.", ["campaign"])
PARKED = Counter("coupon_parked_total", "Claims set aside.", ["campaign", "reason"])
DRAIN_BATCH = Histogram(
    "coupon_drain_batch_claims", "Claims per stored batch.", buckets=(1, 5, 20, 50, 100, 200, 500)
)
