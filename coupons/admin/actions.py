"""The verbs as actions on the list of campaigns."""

from collections.abc import Callable

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy

from coupons.admin import verbs
from coupons.admin.bases import CampaignBase
from coupons.admin.verbs import VERBS, Verb
from coupons.models import Campaign

Action = Callable[[CampaignBase, HttpRequest, QuerySet[Campaign]], HttpResponse | None]


def _action(verb: Verb) -> Action:
    @admin.action(description=gettext_lazy(verb.label), permissions=["change"])
    def act(
        page: CampaignBase, request: HttpRequest, chosen: QuerySet[Campaign]
    ) -> HttpResponse | None:
        chosen = chosen.order_by("slug")
        if verb.final and "confirmed" not in request.POST:
            return _ask_once_more(page, request, chosen, verb)
        for slug in chosen.values_list("slug", flat=True):
            verbs.do(verb, slug, request)
        return None

    act.__name__ = verb.name
    return act


def _ask_once_more(
    page: CampaignBase, request: HttpRequest, chosen: QuerySet[Campaign], verb: Verb
) -> HttpResponse:
    context = {
        **page.admin_site.each_context(request),
        "title": gettext_lazy(verb.label),
        "opts": page.opts,
        "verb": verb,
        "campaigns": chosen,
        "checkbox": ACTION_CHECKBOX_NAME,
    }
    return TemplateResponse(request, "admin/coupons/campaign/confirm.html", context)


ALL = [_action(verb) for verb in VERBS.values()]
