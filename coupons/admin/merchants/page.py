"""The admin of merchants: a name that never changes, and the way to their keys."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from coupons.admin.list_lookups import OfferedLookups
from coupons.admin.typed import MerchantBase
from coupons.models import Merchant


class MerchantAdmin(OfferedLookups, MerchantBase):
    list_display = ("slug", "name", "campaign_count", "keys_link")
    fields = ("slug", "name")
    show_full_result_count = False
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Merchant]:
        return super().get_queryset(request).annotate(campaign_number=Count("campaigns"))

    def get_readonly_fields(self, request: HttpRequest, obj: Merchant | None = None) -> Any:
        return () if obj is None else ("slug",)  # it stands in logs, and in other systems

    def has_delete_permission(self, request: HttpRequest, obj: Merchant | None = None) -> bool:
        return False

    @admin.display(description=_("campaigns"))
    def campaign_count(self, merchant: Any) -> int:
        return int(merchant.campaign_number)

    @admin.display(description=_("keys"))
    def keys_link(self, merchant: Merchant) -> SafeString:
        url = reverse("admin:coupons_merchantkey_changelist")
        label = _("keys of this merchant")
        return format_html('<a href="{}?merchant={}">{}</a>', url, merchant.pk, label)
