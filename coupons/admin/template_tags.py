"""Where else an operator looks."""

from django import template
from django.conf import settings

from coupons.admin import formatting

register = template.Library()


@register.simple_tag
def flower_url() -> str:
    """Flower's address, by the setting; empty where it has none."""
    return str(settings.FLOWER_URL)


@register.filter
def count(number: int | None) -> str:
    """A count for people; a question mark where nobody knows."""
    return formatting.grouped_number(number)
