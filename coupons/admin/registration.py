"""Registers the models with the admin site.

Imported when the admin app is ready, not with the package: the site itself, `admin.site`, is
created when the first model is registered."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.i18n import JavaScriptCatalog
from rest_framework_api_key.models import APIKey

from coupons.admin import home
from coupons.admin.approvals.page import ApprovalRequestAdmin
from coupons.admin.audit.page import AuditAdmin
from coupons.admin.campaigns.page import CampaignAdmin
from coupons.admin.coupons.page import CouponAdmin
from coupons.admin.login import operators  # noqa: F401 - registers itself
from coupons.admin.merchants.keys import MerchantKeyAdmin
from coupons.admin.merchants.page import MerchantAdmin
from coupons.admin.waitlist import WaitlistEntryAdmin
from coupons.admin.webhooks.deliveries import WebhookDeliveryAdmin
from coupons.admin.webhooks.endpoints import WebhookEndpointAdmin
from coupons.models import (
    ApprovalRequest,
    AuditEvent,
    Campaign,
    Coupon,
    Merchant,
    MerchantKey,
    WaitlistEntry,
    WebhookDelivery,
    WebhookEndpoint,
)


def script_texts(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
    """The translations for the admin's scripts: ours, then Django's."""
    return JavaScriptCatalog(packages=["coupons", "django.contrib.admin"]).get(request)


admin.site.site_header = admin.site.site_title = _("Coupon opening")
admin.site.index_title = _("Control room")
admin.site.site_url = None  # no "View site" link: there is no other site
admin.site.enable_nav_sidebar = False  # two models: the lists need the width more
admin.site.i18n_javascript = script_texts  # type: ignore[method-assign]
admin.site.home_context = home.home_context  # type: ignore[attr-defined]
admin.site.register(Campaign, CampaignAdmin)
admin.site.register(AuditEvent, AuditAdmin)
admin.site.register(ApprovalRequest, ApprovalRequestAdmin)
admin.site.register(Coupon, CouponAdmin)
admin.site.register(Merchant, MerchantAdmin)
admin.site.register(MerchantKey, MerchantKeyAdmin)
admin.site.register(WaitlistEntry, WaitlistEntryAdmin)
admin.site.register(WebhookEndpoint, WebhookEndpointAdmin)
admin.site.register(WebhookDelivery, WebhookDeliveryAdmin)
admin.site.unregister(APIKey)  # of the library: no view of ours reads such a key
