"""The commands on campaigns as actions of the admin's list."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coupons.admin.campaigns import commands
from coupons.admin.campaigns.commands import VERBS, Command
from coupons.admin.campaigns.confirmation import confirm_page
from coupons.admin.rights import has_right, require_right
from coupons.admin.typed import CampaignBase
from coupons.models import Campaign

Action = Callable[[CampaignBase, HttpRequest, QuerySet[Campaign]], HttpResponse | None]


def _action(verb: Command) -> Action:
    @admin.action(description=gettext_lazy(verb.label), permissions=["view"])
    def act(
        page: CampaignBase, request: HttpRequest, chosen: QuerySet[Campaign]
    ) -> HttpResponse | None:
        chosen = chosen.order_by("slug")
        if verb.final and len(chosen) > 1:  # the slug of each is typed
            messages.error(request, _("Please close campaigns one by one."))
            return None
        results = [
            (campaign, commands.run_command(verb, campaign.slug, request)) for campaign in chosen
        ]
        unconfirmed = [(campaign, questions) for campaign, questions in results if questions]
        if not unconfirmed:
            return None
        return confirm_page(page, request, verb.label, verb.name, unconfirmed)

    act.__name__ = verb.name
    return act


ALL = [_action(verb) for verb in VERBS.values()]


class ListActions(CampaignBase):
    actions = ALL

    def get_actions(self, request: HttpRequest) -> Any:
        actions_by_name = super().get_actions(request)
        actions_by_name.pop("delete_selected", None)  # only drafts may be deleted, one by one
        for verb in VERBS.values():
            if not has_right(request, verb.right):
                actions_by_name.pop(verb.name, None)
        return actions_by_name

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Refuse an action without its right: Django would show the list as if it were done."""
        verb = VERBS.get(request.POST.get("action", ""))
        if verb is not None and self.has_view_permission(request):
            require_right(request, verb.right)
        return super().changelist_view(request, extra_context)

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Campaign], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """Ignore chosen ids that can't be a row's id. Django would answer them with status 500."""
        data = request.POST.copy()
        possible = [pk for pk in data.getlist(ACTION_CHECKBOX_NAME) if self._is_possible(pk)]
        data.setlist(ACTION_CHECKBOX_NAME, possible)
        request.POST = data  # type: ignore[assignment]  # a mutable copy
        return super().response_action(request, queryset, *args, **kwargs)

    def _is_possible(self, pk: str) -> bool:
        try:
            self.opts.pk.clean(pk, None)
        except ValidationError:
            return False
        return True
