"""The four dashboards: the opening, the pipeline, the capacity left, hosts and AWS."""

from boards_claims import OPENING, PIPELINE
from boards_site import CAPACITY, HOSTS, aws
from panels import dashboard

ALL = [
    dashboard(
        "coupon-opening", "Opening",
        "From ten minutes before the opening until all claims are stored.",
        OPENING, per_campaign=True,
    ),
    dashboard(
        "coupon-pipeline", "Pipeline", "From admission to the row in MySQL.",
        PIPELINE, per_campaign=True,
    ),
    dashboard(
        "coupon-capacity", "Capacity", "Free capacity of the stores and processes.",
        CAPACITY, per_campaign=False,
    ),
    dashboard(
        "coupon-hosts", "Hosts and AWS", "Machines by node_exporter, AWS' services by CloudWatch.",
        HOSTS + aws(), per_campaign=False,
    ),
]  # fmt: skip
