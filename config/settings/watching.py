"""Who may watch, and what we say of ourselves."""

from config import env

# What runs here: a version or a commit, told in `coupon_build_info`. A deployment sets it.
RELEASE = env.text("RELEASE", default="unknown")
# Networks from which the consumer's /metrics may be read; nothing stands in front of it.
METRICS_NETWORKS = env.networks(
    "METRICS_NETWORKS", default="127.0.0.0/8,::1/128,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16"
)
# Doors of this host that must answer for /readyz to say yes: addresses of other processes.
WATCHED_DOORS = env.addresses("WATCHED_DOORS", default="")
# Folders in which this host's other doors count; /metrics adds them to this process' own.
METRICS_FOLDERS = env.listing("METRICS_FOLDERS", default="")
# Where `python -m config.worker.consumer` listens.
CONSUMER_HOST = env.text("CONSUMER_HOST", default="127.0.0.1")
CONSUMER_PORT = env.integer("CONSUMER_PORT", 8081, low=1, high=65_535)
# A worker that gives no sign for so long is ended (`worker.watchdog`); it gives one with every task
# that begins or ends, and no task should take longer than a drain.
WORKER_PATIENCE_S = env.seconds("WORKER_PATIENCE_S", 35, low=5)
