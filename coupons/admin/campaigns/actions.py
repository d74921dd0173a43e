"""The commands on campaigns as actions of the admin's list."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy

from coupons.admin.campaigns import commands
from coupons.admin.campaigns.commands import VERBS, Command
from coupons.admin.campaigns.confirmation import FINAL, confirm_page, confirmed_questions
from coupons.admin.typed import CampaignBase
from coupons.models import Campaign

Action = Callable[[CampaignBase, HttpRequest, QuerySet[Campaign]], HttpResponse | None]


def _action(verb: Command) -> Action:
    @admin.action(description=gettext_lazy(verb.label), permissions=["change"])
    def act(
        page: CampaignBase, request: HttpRequest, chosen: QuerySet[Campaign]
    ) -> HttpResponse | None:
        chosen = chosen.order_by("slug")
        if verb.final and not confirmed_questions(request):
            asked = [(each, {FINAL: ""}) for each in chosen]
        else:
            done = [(each, commands.run_command(verb, each.slug, request)) for each in chosen]
            asked = [(each, questions) for each, questions in done if questions]
        if not asked:
            return None
        return confirm_page(page, request, verb.label, verb.name, asked)

    act.__name__ = verb.name
    return act


ALL = [_action(verb) for verb in VERBS.values()]


class ListActions(CampaignBase):
    actions = ALL

    def get_actions(self, request: HttpRequest) -> Any:
        offered = super().get_actions(request)
        offered.pop("delete_selected", None)  # only drafts may be deleted, one by one
        return offered

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Campaign], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """Ignore chosen ids that can't be a row's id. Django would answer them with status 500."""
        sent = request.POST.copy()
        possible = [pk for pk in sent.getlist(ACTION_CHECKBOX_NAME) if self._is_possible(pk)]
        sent.setlist(ACTION_CHECKBOX_NAME, possible)
        request.POST = sent  # type: ignore[assignment]  # a mutable copy
        return super().response_action(request, queryset, *args, **kwargs)

    def _is_possible(self, pk: str) -> bool:
        try:
            self.opts.pk.clean(pk, None)
        except ValidationError:
            return False
        return True
