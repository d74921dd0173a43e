"""`python -m config.worker.alive`: whether the worker of this PROMETHEUS_MULTIPROC_DIR runs.

Exits 0 if its main loop wrote a heartbeat at most 15 s ago, else 1. For the container of a worker
that has no consumer of its own.
"""

import sys

from config.worker import liveness
from config.worker.process import STALE_S
from coupons.observability import metrics


def main() -> int:
    silent_s = liveness.seconds_since(metrics.WORKER_HEARTBEAT)
    print(f"last heartbeat {silent_s:.0f} s ago")
    return 0 if silent_s < STALE_S else 1


if __name__ == "__main__":
    sys.exit(main())
