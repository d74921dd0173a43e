"""The home page: what is on, what opens next, and what needs attention, above the list of models
that the operator may see."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from coupons.admin import formatting
from coupons.admin.approvals import waiting
from coupons.admin.campaigns import badges, saved_filters
from coupons.admin.campaigns.attention import Watched
from coupons.admin.campaigns.live_panel import Counts
from coupons.admin.campaigns.readiness_page import LIGHTS
from coupons.campaigns.effective_state import effective_state
from coupons.claims import timestamps
from coupons.models import ApprovalRequest, Campaign

MOST_SHOWN = 8  # campaigns of each kind
MOST_ASKED = 100  # requests that are counted
JUST = timedelta(hours=24)  # since the end of a sale
State = Campaign.State


@dataclass(frozen=True, slots=True)
class HomeRow:
    campaign: Campaign
    counts: Counts
    badge: SafeString
    concerns: SafeString
    opens: str
    opens_ms: int
    light: str = ""  # of its readiness board, if that was looked at
    light_word: str = ""


@dataclass(frozen=True, slots=True)
class AskedRow:
    """What waits for this operator's approval."""

    pk: int
    what: str
    campaign: str
    slug: str
    opens: str
    asked_by: str
    until: str


def home_context(request: HttpRequest) -> dict[str, Any]:
    """The template's context; empty for an operator who may not see campaigns."""
    if not request.user.has_perm("coupons.view_campaign"):
        return {}
    now, known = saved_filters.asked_at(request), saved_filters.watched(request)
    on = [one for one in known.campaigns if _state(one, known) in (State.OPEN, State.PAUSED)]
    on = [one for one in on if one.opens_at <= now]
    ahead = [one for one in known.campaigns if one not in on and one.opens_at > now]
    ahead.sort(key=lambda campaign: campaign.opens_at)
    asked = [_asked_row(one) for one in waiting.waiting_requests(request)[:MOST_ASKED]]
    notes = {counts.note for counts in known.counts.values() if counts.note and not counts.lost}
    return {
        "home": True,
        "now_ms": timestamps.milliseconds_of(now),
        "notes": sorted(notes),
        "on_now": _rows(on, known),
        "on_more": max(0, len(on) - MOST_SHOWN),
        "next_openings": _rows(ahead, known),
        "next_more": max(0, len(ahead) - MOST_SHOWN),
        "drafts": list(_drafts()[: MOST_SHOWN + 1]),
        "just_closed": list(_just_closed(now)[: MOST_SHOWN + 1]),
        "most_named": MOST_SHOWN,
        "asked": asked[:MOST_SHOWN],
        "asked_more": max(0, len(asked) - MOST_SHOWN),
        "attention_count": len(asked) + len(known.troubled),
        "troubled": _rows(known.troubled, known),
        "troubled_more": max(0, len(known.troubled) - MOST_SHOWN),
    }


def _drafts() -> QuerySet[Campaign]:
    return Campaign.objects.filter(state=State.DRAFT).order_by("opens_at")


def _just_closed(now: datetime) -> QuerySet[Campaign]:
    """Also those that beat has not recorded yet."""
    ended = Campaign.objects.exclude(state=State.DRAFT)
    return ended.filter(closes_at__lte=now, closes_at__gt=now - JUST).order_by("-closes_at")


def _asked_row(one: ApprovalRequest) -> AskedRow:
    return AskedRow(
        one.pk,
        str(one.get_verb_display()),
        one.campaign.name,
        one.campaign.slug,
        formatting.exact_time(one.campaign.opens_at),
        one.asked_by,
        formatting.exact_time(one.expires_at),
    )


def _state(campaign: Campaign, known: Watched) -> State:
    return effective_state(campaign, known.counts[campaign.pk].now_ms)


def _rows(campaigns: list[Campaign], known: Watched) -> list[HomeRow]:
    return [_row(campaign, known) for campaign in campaigns[:MOST_SHOWN]]


def _row(campaign: Campaign, known: Watched) -> HomeRow:
    counts, concerns = known.counts[campaign.pk], known.concerns.get(campaign.pk, [])
    opens: datetime = campaign.opens_at
    light = known.lights.get(campaign.pk)
    return HomeRow(
        campaign,
        counts,
        badges.badge_and_concerns(campaign, counts, concerns),
        badges.concern_links(campaign, concerns),
        formatting.exact_time(opens),
        timestamps.milliseconds_of(opens),
        light.value if light else "",
        str(LIGHTS[light]) if light else "",
    )
