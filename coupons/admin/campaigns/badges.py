"""A campaign's state and what troubles it, as coloured words."""

from collections.abc import Iterable

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from coupons.admin.campaigns.attention import Concern
from coupons.admin.campaigns.live_panel import Counts
from coupons.admin.campaigns.shown_state import state_label
from coupons.audit.durations import duration_text
from coupons.campaigns.effective_state import effective_state
from coupons.campaigns.sold_out import ms_after_opening
from coupons.claims.timestamps import milliseconds_of
from coupons.models import Campaign


def state_badge(campaign: Campaign, counts: Counts) -> SafeString:
    """`open` in green, `sold out` once nothing is left of an open campaign, `held back` in red."""
    state = effective_state(campaign, counts.now_ms)
    is_held = campaign.held and state == Campaign.State.PAUSED
    if state == Campaign.State.OPEN and counts.sold_out:
        return format_html('<strong class="state sold-out">{}</strong>', _sold_out(campaign))
    kind = "held" if is_held else state.value
    label = state_label(state, is_held=is_held)
    return format_html('<strong class="state state-{}">{}</strong>', kind, label)


def _sold_out(campaign: Campaign) -> str:
    """With its time after the opening, once that is recorded."""
    if campaign.sold_out_at is None:
        return _("sold out")
    after_ms = ms_after_opening(campaign, milliseconds_of(campaign.sold_out_at))
    return _("sold out after {}").format(duration_text(after_ms))


def concern_links(
    campaign: Campaign, concerns: Iterable[Concern], *, beside_badge: bool = False
) -> SafeString:
    """Each with the page where it is seen. `beside_badge`: without what the badge says already."""
    return format_html_join(
        " ",
        '<a class="light light-{}" href="{}">{}</a>',
        (
            (one.light, reverse(f"admin:coupons_campaign_{one.page}", args=[campaign.pk]), one.text)
            for one in concerns
            if not (beside_badge and one.is_state)
        ),
    )


def badge_and_concerns(
    campaign: Campaign, counts: Counts, concerns: Iterable[Concern]
) -> SafeString:
    badge = state_badge(campaign, counts)
    links = concern_links(campaign, concerns, beside_badge=True)
    return format_html("{} {}", badge, links) if links else badge
