"""The verbs as actions on the list of campaigns."""

from collections.abc import Callable

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy

from coupons.admin import verbs
from coupons.admin.bases import CampaignBase
from coupons.admin.confirming import FINAL, confirm_page, confirmed
from coupons.admin.verbs import VERBS, Verb
from coupons.models import Campaign

Action = Callable[[CampaignBase, HttpRequest, QuerySet[Campaign]], HttpResponse | None]


def _action(verb: Verb) -> Action:
    @admin.action(description=gettext_lazy(verb.label), permissions=["change"])
    def act(
        page: CampaignBase, request: HttpRequest, chosen: QuerySet[Campaign]
    ) -> HttpResponse | None:
        chosen = chosen.order_by("slug")
        if verb.final and not confirmed(request):
            asked = [(each, {FINAL: ""}) for each in chosen]
        else:
            done = [(each, verbs.do(verb, each.slug, request)) for each in chosen]
            asked = [(each, questions) for each, questions in done if questions]
        if not asked:
            return None
        return confirm_page(page, request, verb.label, verb.name, asked)

    act.__name__ = verb.name
    return act


ALL = [_action(verb) for verb in VERBS.values()]
