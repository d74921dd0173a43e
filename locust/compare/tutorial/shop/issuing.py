"""The task that tutorials start for every request."""

from celery import shared_task

from shop.models import Coupon


@shared_task  # type: ignore[untyped-decorator]
def issue_coupon(campaign_id: int, user: str, place: int, code: str) -> None:
    Coupon.objects.create(campaign_id=campaign_id, user=user, place=place, code=code)
