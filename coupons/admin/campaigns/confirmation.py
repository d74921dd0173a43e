"""Confirmation before a button or list action does something final or rarely intended."""

from collections.abc import Sequence

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from coupons.admin.typed import CampaignBase
from coupons.models import Campaign

FINAL = "final"
Questions = dict[str, str]  # code → text


def confirmed_questions(request: HttpRequest) -> frozenset[str]:
    """The codes of the questions that this request confirms."""
    return frozenset(request.POST.getlist("confirmed"))


def confirm_page(
    page: CampaignBase,
    request: HttpRequest,
    label: str,
    name: str,
    unconfirmed: Sequence[tuple[Campaign, Questions]],
) -> HttpResponse:
    """A page whose button sends the same request again, with the questions confirmed."""
    questions = {code: text for _campaign, texts in unconfirmed for code, text in texts.items()}
    campaigns = [campaign for campaign, _questions in unconfirmed]
    is_final = FINAL in questions
    hidden = [(ACTION_CHECKBOX_NAME, str(campaign.pk)) for campaign in campaigns]
    context = page.admin_site.each_context(request) | {
        "opts": page.opts, "title": _(label), "label": label, "campaigns": campaigns,
        "final": is_final, "sentences": [] if is_final else list(questions.values()),
        "hidden": [*hidden, ("action", name), *(("confirmed", code) for code in questions)],
    }  # fmt: skip
    return TemplateResponse(request, "admin/coupons/campaign/confirm.html", context)
