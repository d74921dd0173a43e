"""Template tags of the admin."""

from django import template
from django.conf import settings

from coupons import __version__
from coupons.admin import formatting

register = template.Library()


@register.simple_tag
def flower_url() -> str:
    """Flower's address from the settings; empty: none is set."""
    return str(settings.FLOWER_URL)


@register.simple_tag
def version() -> str:
    """Of the code that runs."""
    return __version__


@register.filter
def count(number: int | None) -> str:
    """A number with grouped thousands; None (not known): a question mark."""
    return formatting.grouped_number(number)
