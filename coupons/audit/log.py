"""A campaign's history: what is written into it, and what follows from it."""

from collections.abc import Iterable
from datetime import datetime

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from coupons.models import Campaign, CampaignEvent
from coupons.models.bounds import as_one_line, one_line

HELD, RELEASED, OVERRIDDEN, WARMED_UP = "held back", "released", "overridden", "warmed up"
CREATED, EDITED = "created", "edited"  # of a draft
_ACTOR_CHARS = CampaignEvent._meta.get_field("actor").max_length or 0
NOTE_CHARS = CampaignEvent._meta.get_field("note").max_length or 0

# What decides whether a campaign is held back: the newest of these.
_HOLDING = (HELD, RELEASED, OVERRIDDEN, "scheduled", "paused", "resumed", "opened", "closed")
# An override is for one opening, as it was planned.
_PLANNING = (OVERRIDDEN, "scheduled", "rescheduled")


def record_event(campaign: Campaign, actor: str, verb: str, text: str = "") -> CampaignEvent:
    return campaign.events.create(
        actor=as_one_line(actor, _ACTOR_CHARS), verb=verb, note=as_one_line(text, NOTE_CHARS)
    )


def reason_text(said: str) -> str:
    """A person's reason, as it is kept. Raises ValidationError unless it is a line that fits."""
    reason = said.strip()
    if not reason:
        raise ValidationError(_("Give a reason: it is kept in the campaign's history."))
    if len(reason) > NOTE_CHARS:
        text = _("Give a reason of at most %(most)s characters.")
        raise ValidationError(text % {"most": NOTE_CHARS})
    one_line(reason)
    return reason


def note_at(at: datetime, campaign: Campaign, actor: str, verb: str, text: str = "") -> None:
    """With the moment of a clock other than this host's, for what is compared with it later."""
    event = record_event(campaign, actor, verb, text)
    campaign.events.filter(pk=event.pk).update(at=at)


def record_events(
    campaigns: Iterable[Campaign], actor: str, verb: str, notes: Iterable[str]
) -> None:
    """The same verb for many campaigns, each with a note of its own."""
    CampaignEvent.objects.bulk_create(
        CampaignEvent(
            campaign=campaign,
            actor=as_one_line(actor, _ACTOR_CHARS),
            verb=verb,
            note=as_one_line(note, NOTE_CHARS),
        )
        for campaign, note in zip(campaigns, notes, strict=True)
    )


def hold_event(campaign: Campaign) -> CampaignEvent | None:
    """Why the guard holds this campaign back; None: it does not."""
    newest = campaign.events.filter(verb__in=_HOLDING).first()
    is_held = campaign.state == Campaign.State.PAUSED and newest and newest.verb == HELD
    return newest if is_held else None


def held_among(campaigns: Iterable[Campaign]) -> set[int]:
    """The ids of those that the guard holds back, by one query."""
    paused = [campaign.pk for campaign in campaigns if campaign.state == Campaign.State.PAUSED]
    if not paused:
        return set()
    found = CampaignEvent.objects.filter(campaign_id__in=paused, verb__in=_HOLDING)
    newest = dict(found.order_by("id").values_list("campaign_id", "verb"))
    return {pk for pk, verb in newest.items() if verb == HELD}


def planned_at(campaign: Campaign) -> datetime | None:
    """When its opening was last set; None: it is a draft."""
    planning = campaign.events.filter(verb__in=_PLANNING).exclude(verb=OVERRIDDEN)
    return planning.values_list("at", flat=True).first()


def override_event(campaign: Campaign) -> CampaignEvent | None:
    """Who lets it open in spite of a red board, and why; None: nobody."""
    newest = campaign.events.filter(verb__in=_PLANNING).first()
    return newest if newest and newest.verb == OVERRIDDEN else None
