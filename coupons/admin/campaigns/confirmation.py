"""The page of a command before its button: what it would do, by its dry run, and what it asks."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coupons.admin.formatting import exact_time, grouped_number, refusal_text
from coupons.admin.typed import CampaignBase
from coupons.audit.labels import OTHER_REASON, PAUSE_REASONS
from coupons.audit.log import typed_reason
from coupons.campaigns.terms_text import terms_line
from coupons.errors import CouponError
from coupons.models import Campaign
from coupons.operations import dry_runs

Questions = dict[str, str]  # code → text; "": it is asked by the page itself
REASON, SLUG = "reason", "slug"
_ASKED_BY_PAGE = (REASON, SLUG)


def confirmed_questions(request: HttpRequest) -> frozenset[str]:
    """The codes of the questions that this request confirms."""
    return frozenset(request.POST.getlist("confirmed"))


def given_reason(request: HttpRequest) -> str:
    """The reason that was typed, else the one that was chosen: a key of PAUSE_REASONS. "Another
    reason" is none until it is typed. Raises ValidationError if it is too long."""
    typed = typed_reason(request.POST.get("why", ""))
    chosen = request.POST.get("reason", "")
    return typed or (chosen if chosen in PAUSE_REASONS and chosen != OTHER_REASON else "")


def from_live(request: HttpRequest) -> bool:
    """Whether a button of the live page was pressed: it leads back there."""
    return request.POST.get("from") == "live"


def confirm_page(
    page: CampaignBase,
    request: HttpRequest,
    label: str,
    name: str,
    unconfirmed: Sequence[tuple[Campaign, Questions]],
    *,
    typed: Mapping[str, str] = MappingProxyType({}),
) -> HttpResponse:
    """A page whose button sends the same request again, with the questions confirmed. `typed`:
    fields of that request; then the questions are the forecast."""
    is_from_live = from_live(request)
    questions = {code: text for _campaign, texts in unconfirmed for code, text in texts.items()}
    campaigns = [campaign for campaign, _questions in unconfirmed]
    codes = [code for code in questions if code not in _ASKED_BY_PAGE]
    hidden = [(ACTION_CHECKBOX_NAME, str(campaign.pk)) for campaign in campaigns]
    hidden += typed.items()
    hidden += [("from", "live")] if is_from_live else []
    asked = [] if typed else campaigns
    forecasts = [(campaign, *_forecast(name, campaign, request)) for campaign in asked]
    context = page.admin_site.each_context(request) | {
        "opts": page.opts, "title": _(label), "label": label, "name": name,
        "forecasts": [(campaign, sentences) for campaign, sentences, _refused in forecasts],
        "is_refused": bool(forecasts) and all(refused for _one, _said, refused in forecasts),
        "sentences": [questions[code] for code in codes], "slug_error": questions.get(SLUG, ""),
        "reason_error": questions.get(REASON, ""),
        "asks_reason": REASON in questions, "asks_slug": SLUG in questions,
        "reasons": PAUSE_REASONS if name == "pause" else {}, "typed": request.POST,
        "hidden": [*hidden, ("action", name), *(("confirmed", code) for code in codes)],
        "is_from_live": is_from_live,
        "back": campaigns[0] if len(campaigns) == 1 else None,
    }  # fmt: skip
    return TemplateResponse(request, "admin/coupons/campaign/confirm.html", context)


def _forecast(name: str, campaign: Campaign, request: HttpRequest) -> tuple[list[str], bool]:
    """Sentences of the dry run, and whether it would be refused; the failure, if a store does not
    answer."""
    try:
        actor = request.user.get_username()
        forecast = dry_runs.forecast_verb(name, campaign.slug, actor=actor)
    except CouponError as failure:
        return [refusal_text(failure)], False
    told = _announcement(campaign) if name == "schedule" and not forecast.refusal else []
    return [*told, *forecast.sentences], bool(forecast.refusal)


def _announcement(campaign: Campaign) -> list[str]:
    """What becomes public: the terms, the window, for whom it is, and its waitlist."""
    return [
        terms_line(campaign),
        _("It opens at {}.").format(exact_time(campaign.opens_at)),
        _("It closes at {}.").format(exact_time(campaign.closes_at)),
        _per_user_text(campaign.per_user),
        _("It is open to users with the segment {} only.").format(campaign.audience)
        if campaign.audience
        else _("It is open to everybody."),
        _waitlist_text(campaign),
    ]


def _per_user_text(count: int) -> str:
    text = ngettext(
        "Each user gets at most {} coupon.", "Each user gets at most {} coupons.", count
    )
    return text.format(grouped_number(count))


def _waitlist_text(campaign: Campaign) -> str:
    count = campaign.waitlist_limit
    if not count:
        return _("It has no waitlist.")
    text = ngettext(
        "Its waitlist takes {} user at most.", "Its waitlist takes {} users at most.", count
    )
    return text.format(grouped_number(count))
