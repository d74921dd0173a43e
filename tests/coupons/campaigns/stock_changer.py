"""A process that changes a campaign's stock: `stock_changer SLUG STOCK BATCHES`.

After so many batches of slots it is gone, as by kill -9; 0: never. STOCK `schedule` schedules it.
Prints the progress that the change reports.
"""

import os
import signal
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from coupons.campaigns import lifecycle  # noqa: E402


class Dying:
    def __init__(self, batches: int) -> None:
        self.left = batches

    def __call__(self, now: int, wanted: int) -> None:
        print(now, wanted, flush=True)
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def main(slug: str, stock: str, batches: str) -> None:
    tell = Dying(int(batches))
    if stock == "schedule":
        lifecycle.schedule_campaign(slug, actor="Jun", tell=tell)
    else:
        lifecycle.change_stock(slug, stock=int(stock), actor="Jun", tell=tell)


if __name__ == "__main__":
    main(*sys.argv[1:])
