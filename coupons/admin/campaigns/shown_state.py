"""The state that an operator's page shows: computed by the clock that opens the campaign, so that
a page shows an opening and a closing at once, before beat has recorded them."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from coupons.admin.campaigns import commands
from coupons.admin.campaigns.commands import Command
from coupons.admin.campaigns.live_panel import Counts
from coupons.audit import log
from coupons.campaigns.effective_state import effective_state
from coupons.claims import timestamps
from coupons.models import Campaign, CampaignEvent

State = Campaign.State


@dataclass(frozen=True, slots=True)
class ShownState:
    """`held`: the event that holds the opening back. `revision` changes when the page would."""

    campaign: Campaign
    value: State
    held: CampaignEvent | None
    revision: str

    @property
    def label(self) -> str:
        return state_label(self.value, is_held=self.held is not None)

    @property
    def opens_ms(self) -> int | None:
        """When it opens by the clock, Unix ms; None: it does not, or it has opened."""
        ahead = self.value == State.SCHEDULED
        return timestamps.milliseconds_of(self.campaign.opens_at) if ahead else None

    @property
    def verbs(self) -> list[Command]:
        return commands.offered_commands(self.value, is_held=self.held is not None)


def shown_state(campaign: Campaign, counts: Counts) -> ShownState:
    value = effective_state(campaign, counts.now_ms)
    newest = campaign.events.first()
    held = log.hold_event(campaign) if value == State.PAUSED else None
    return ShownState(campaign, value, held, f"{value}.{newest.pk if newest else 0}")


def state_label(state: State, *, is_held: bool) -> str:
    return _("held back") if is_held and state == State.PAUSED else str(state.label)
