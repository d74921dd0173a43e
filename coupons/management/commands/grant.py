"""`manage.py grant SLUG FILE`: give each user of a list a coupon; the stock grows by as many."""

from typing import Any

from coupons.management.list_command import ListCommand
from coupons.models import Job


class Command(ListCommand):
    help = (
        "Give each user of a list (column `user`, and `nth` where users may have several) a "
        "coupon, whatever window and pause say. The stock is raised by as many. Users who have one "
        "keep it."
    )
    kind = Job.Kind.GRANTS

    def handle(self, *args: Any, **options: Any) -> None:
        self.work_on_list(options["slug"], options["file"], options["format"])
