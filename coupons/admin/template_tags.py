"""Template tags of the admin."""

from typing import Any, NamedTuple

from django import template
from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy

from coupons import __version__
from coupons.admin import formatting
from coupons.admin.approvals.waiting import count_waiting
from coupons.models.rights import Right

register = template.Library()


@register.simple_tag
def flower_url() -> str:
    """Flower's address from the settings; empty: none is set."""
    return str(settings.FLOWER_URL)


@register.simple_tag
def version() -> str:
    """Of the code that runs."""
    return __version__


class MenuEntry(NamedTuple):
    label: str
    url: str
    is_current: bool
    waiting: int = 0  # what waits behind it for this operator


_APPROVALS = "coupons_approvalrequest_changelist"
# What each right opens, in the order of the menu: a page's name, its label, the right.
_MENU = (
    ("index", gettext_lazy("Home"), ""),
    ("coupons_campaign_changelist", gettext_lazy("Campaigns"), "coupons.view_campaign"),
    ("coupons_coupon_changelist", gettext_lazy("Coupons"), "coupons.view_coupon"),
    ("coupons_waitlistentry_changelist", gettext_lazy("Waitlists"), "coupons.view_waitlistentry"),
    ("why", gettext_lazy("Why not?"), f"coupons.{Right.VIEW_USER_IDS}"),
    ("coupons_merchant_changelist", gettext_lazy("Merchants"), "coupons.change_merchant"),
    ("coupons_merchantkey_changelist", gettext_lazy("Keys"), "coupons.add_merchantkey"),
    ("coupons_webhookendpoint_changelist", gettext_lazy("Webhooks"),
     f"coupons.{Right.TEST_ENDPOINT}"),
    (_APPROVALS, gettext_lazy("Approvals"), f"coupons.{Right.ASK}"),
    ("coupons_auditevent_changelist", gettext_lazy("Audit log"), f"coupons.{Right.VIEW_AUDIT}"),
    ("auth_user_changelist", gettext_lazy("Operators"), "superusers only"),
)  # fmt: skip


@register.simple_tag(takes_context=True)
def operator_menu(context: dict[str, Any]) -> list[MenuEntry]:
    """The links of this operator's work; none before the log-in is complete."""
    request = context.get("request")
    if request is None or not context.get("has_permission"):
        return []
    entries = []
    for name, label, right in _MENU:
        if right and not request.user.has_perm(right):
            continue
        try:
            url = reverse(f"admin:{name}")
        except NoReverseMatch:  # a page of another release
            continue
        is_current = request.path == url if name == "index" else request.path.startswith(url)
        waiting = count_waiting(request) if name == _APPROVALS else 0
        entries.append(MenuEntry(str(label), url, is_current, waiting))
    return entries


@register.filter
def clock(seconds: int) -> str:
    """Minutes and seconds: 9:41."""
    return f"{seconds // 60}:{seconds % 60:02}"


@register.filter
def count(number: int | None) -> str:
    """A number with grouped thousands; None (not known): a question mark."""
    return formatting.grouped_number(number)
