"""The four dashboards: the opening, the pipeline, the capacity left, hosts and AWS."""

from boards_claims import OPENING, PIPELINE
from boards_site import CAPACITY, HOSTS, cloudwatch_panels
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
        "coupon-capacity", "Capacity", "Free capacity of the stores and processes.",
        CAPACITY, per_campaign=False,
    ),
    make_dashboard(
        "coupon-hosts", "Hosts and AWS", "Machines by node_exporter, AWS' services by CloudWatch.",
        HOSTS + cloudwatch_panels(), per_campaign=False,
    ),
]  # fmt: skip
