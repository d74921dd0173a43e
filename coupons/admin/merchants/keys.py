"""The admin of merchants' keys: made and shown once, rolled, revoked; never shown again.

The page that shows a new key is the answer to the POST that made it: the key passes no redirect,
cookie, session or log. `coupons.merchants.api_keys` decides.
"""

import logging
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from coupons.admin.formatting import exact_time
from coupons.admin.list_lookups import OfferedLookups
from coupons.admin.refusals import show_refusal
from coupons.admin.rights import has_right, require_right
from coupons.admin.site import nothing_done
from coupons.admin.typed import KeyBase, KeyFormBase
from coupons.errors import CouponError
from coupons.merchants import api_keys
from coupons.merchants.api_keys import MOST_OVERLAP_DAYS
from coupons.models import MerchantKey, Scope
from coupons.models.rights import Right

logger = logging.getLogger(__name__)
_LONGEST_DAYS = 3_650
RIGHTS = {"roll": Right.ROLL_KEY, "revoke": Right.REVOKE_KEY}  # by verb


class NewKeyForm(KeyFormBase):
    scopes = forms.MultipleChoiceField(
        label=_("scopes"), choices=Scope.choices, widget=forms.CheckboxSelectMultiple
    )
    days = forms.IntegerField(
        label=_("valid for days"),
        min_value=1,
        max_value=_LONGEST_DAYS,
        required=False,
        help_text=_("Empty: until it is revoked."),
    )

    class Meta:
        model = MerchantKey
        fields = ("merchant", "name", "scopes")
        help_texts = {"name": _("What uses it, such as: checkout of the web shop.")}


class MerchantKeyAdmin(OfferedLookups, KeyBase):
    list_display = ("prefix", "merchant", "name", "scope_list", "is_usable", "last_use")
    list_filter = ("merchant",)
    list_select_related = ("merchant",)
    show_full_result_count = False
    actions = None
    change_form_template = "admin/coupons/merchantkey/change_form.html"
    _shown = ("prefix", "merchant", "name", "scope_list", "created_time", "expiry", "last_use",
              "revoked", "replaced_by")  # fmt: skip

    def get_form(
        self, request: HttpRequest, obj: MerchantKey | None = None, change: bool = False, **kw: Any
    ) -> Any:
        return super().get_form(
            request, obj, change=change, **(kw if obj else kw | {"form": NewKeyForm})
        )

    def get_fields(self, request: HttpRequest, obj: MerchantKey | None = None) -> Any:
        return ("merchant", "name", "scopes", "days") if obj is None else self._shown

    def get_readonly_fields(self, request: HttpRequest, obj: MerchantKey | None = None) -> Any:
        return () if obj is None else self._shown

    def has_delete_permission(self, request: HttpRequest, obj: MerchantKey | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.do_view)
        own = path("do/<slug:prefix>/<str:verb>/", view, name="coupons_merchantkey_do")
        return [own, *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: MerchantKey, form: Any, change: bool) -> None:
        """The form's values make the key: `obj` becomes the row that was stored."""
        if change:  # every field is read-only
            return
        given = form.cleaned_data
        made, text = api_keys.make_key(
            obj.merchant, name=obj.name, scopes=given["scopes"], days=given["days"]
        )
        obj.__dict__.update(made.__dict__)
        vars(request)["new_key"] = text

    def response_add(
        self, request: HttpRequest, obj: MerchantKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self._show_once(request, obj, vars(request)["new_key"])

    def do_view(self, request: HttpRequest, prefix: str, verb: str) -> HttpResponse:
        """Roll or revoke a key by its page's buttons."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        key = get_object_or_404(MerchantKey, prefix=prefix)
        if request.method != "POST":
            return nothing_done(request, "admin:coupons_merchantkey_change", key.pk)
        if verb not in RIGHTS:
            raise Http404
        require_right(request, RIGHTS[verb])
        try:
            if verb == "roll":
                days = forms.IntegerField(max_value=MOST_OVERLAP_DAYS, min_value=0)
                overlap = days.clean(request.POST.get("overlap_days", ""))
                successor, text = api_keys.roll_key(prefix, overlap_days=overlap)
                self.log_change(request, key, "rolled")
                return self._show_once(request, successor, text)
            if verb == "revoke" and request.POST.get("sure") == "yes":
                api_keys.revoke_key(prefix)
                self.log_change(request, key, "revoked")
                messages.success(request, _("%s is revoked now.") % prefix)
            else:
                messages.error(request, _("Nothing was done: tick the box to revoke a key."))
        except (CouponError, ValidationError) as refusal:
            show_refusal(request, refusal)
        return redirect("admin:coupons_merchantkey_change", key.pk)

    def _show_once(self, request: HttpRequest, key: MerchantKey, text: str) -> HttpResponse:
        logger.info("operator %s was shown key %s", request.user.get_username(), key.prefix)
        context = self.admin_site.each_context(request) | {
            "opts": self.opts, "key": key, "text": text, "title": _("A new key"),
        }  # fmt: skip
        # `no-store`, as all pages of the admin
        return TemplateResponse(request, "admin/coupons/merchantkey/shown_once.html", context)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        context.update(show_save_and_add_another=False, show_save_and_continue=False)
        obj = kwargs.get("obj")
        if obj is not None:
            may = {f"may_{verb}": has_right(request, right) for verb, right in RIGHTS.items()}
            context.update(
                may, show_save=False, merchant_key=obj, overlaps=range(MOST_OVERLAP_DAYS + 1)
            )
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description=_("scopes"))
    def scope_list(self, key: MerchantKey) -> str:
        return ", ".join(key.scopes)

    @admin.display(description=_("usable"), boolean=True)
    def is_usable(self, key: MerchantKey) -> bool:
        return not key.revoked and not key.has_expired

    @admin.display(description=_("created at"))
    def created_time(self, key: MerchantKey) -> str:
        return exact_time(key.created)

    @admin.display(description=_("expires at"))
    def expiry(self, key: MerchantKey) -> str:
        return exact_time(key.expiry_date) or self.get_empty_value_display()

    @admin.display(description=_("last used at"))
    def last_use(self, key: MerchantKey) -> str:
        return exact_time(key.last_used_at) or self.get_empty_value_display()
