"""The dashboards: opening, pipeline, life, webhooks, grants, capacity left, views, hosts, AWS."""

from boards_claims import OPENING, PIPELINE
from boards_grants import GRANTS
from boards_life import LIFE
from boards_site import CAPACITY, HOSTS, cloudwatch_panels
from boards_views import VIEWS
from boards_webhooks import WEBHOOKS
from panels import make_dashboard

ALL = [
    make_dashboard(
        "coupon-opening", "Opening",
        "From ten minutes before the opening until all claims are stored.",
        OPENING, per_campaign=True,
    ),
    make_dashboard(
        "coupon-pipeline", "Pipeline", "From admission to the row in MySQL.",
        PIPELINE, per_campaign=True,
    ),
    make_dashboard(
        "coupon-life", "Life", "Coupons after their claim: reserved, redeemed, cancelled, expired.",
        LIFE, per_campaign=False,
    ),
    make_dashboard(
        "coupon-webhooks", "Webhooks", "From events to merchants' endpoints.",
        WEBHOOKS, per_campaign=False,
    ),
    make_dashboard(
        "coupon-grants", "Grants", "Grants, jobs, returned stock, waitlists.",
        GRANTS, per_campaign=False,
    ),
    make_dashboard(
        "coupon-capacity", "Capacity", "Free capacity of the stores and processes.",
        CAPACITY, per_campaign=False,
    ),
    make_dashboard(
        "coupon-views", "Views", "The admin, the API's other endpoints, and what they use.",
        VIEWS, per_campaign=False,
    ),
    make_dashboard(
        "coupon-hosts", "Hosts and AWS", "Machines by node_exporter, AWS' services by CloudWatch.",
        HOSTS + cloudwatch_panels(), per_campaign=False,
    ),
]  # fmt: skip
