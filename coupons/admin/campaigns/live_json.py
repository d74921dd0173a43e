"""What a campaign's panel polls: its state and counts as JSON, also while MySQL does not answer."""

from typing import Any

from coupons.admin.campaigns import live_panel
from coupons.admin.campaigns.live_panel import Counts
from coupons.admin.campaigns.shown_state import ShownState, shown_state, state_label
from coupons.campaigns.effective_state import effective_state
from coupons.errors import DatabaseAway
from coupons.models import Campaign
from coupons.runtime import ProcessState

MOST_KEPT = 1_000  # campaigns
_last_shown: ProcessState[dict[int, ShownState]] = ProcessState(dict)


def panel_json(campaign: Campaign) -> dict[str, Any]:
    counts = live_panel.counts_of(campaign)
    shown, kept = shown_state(campaign, counts), _last_shown.current
    if len(kept) >= MOST_KEPT:
        kept.clear()
    kept[campaign.pk] = shown
    return _as_json(shown.value, shown.label, shown.revision, counts) | {"is_whole": True}


def panel_json_without_mysql(pk: int) -> dict[str, Any]:
    """By the last answer of MySQL in this process. Raises DatabaseAway if there is none."""
    last = _last_shown.current.get(pk)
    if last is None:
        raise DatabaseAway("Database: it does not answer, and this campaign is not known yet.")
    campaign, counts = live_panel.counts_without_mysql(last.campaign)
    state = effective_state(campaign, counts.now_ms)
    label = state_label(state, is_held=campaign.held)
    return _as_json(state, label, last.revision, counts) | {"is_whole": False}


def _as_json(state: Campaign.State, label: str, revision: str, counts: Counts) -> dict[str, Any]:
    return {"state": state, "label": label, "revision": revision} | counts.as_json()
