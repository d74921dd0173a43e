"""Monitoring: who may read metrics, what is watched, and the release's name."""

from config import env
from coupons import __version__

# The version or commit that runs, reported in `coupon_build_info`. A deployment sets it.
RELEASE = env.text("RELEASE", default=__version__)
# Networks from which the consumer's /metrics may be read; it has no proxy in front of it.
METRICS_NETWORKS = env.networks(
    "METRICS_NETWORKS", default="127.0.0.0/8,::1/128,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16"
)
# Addresses of this host's other doors: /readyz answers 200 only if all of them answer.
WATCHED_DOORS = env.addresses("WATCHED_DOORS", default="")
# Metrics folders of this host's other doors; /metrics adds them to this process' own.
METRICS_FOLDERS = env.listing("METRICS_FOLDERS", default="")
# Where `python -m config.worker.consumer` listens.
CONSUMER_HOST = env.text("CONSUMER_HOST", default="127.0.0.1")
CONSUMER_PORT = env.integer("CONSUMER_PORT", 8081, low=1, high=65_535)
# A worker in which no task began or ended for so long is terminated (`worker.watchdog`). Longer
# than any task should take: a drain is the longest.
WORKER_PATIENCE_S = env.seconds("WORKER_PATIENCE_S", 35, low=5)
