"""A campaign's history: one row for each thing that was done to it."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from coupons.models.campaign import Campaign


class EventKind(models.TextChoices):
    """What was done. In brackets: the names in the event's `data`."""

    CREATED = "created", _("created")
    EDITED = "edited", _("edited")
    SCHEDULED = "scheduled", _("scheduled")
    RESCHEDULED = "rescheduled", _("rescheduled")  # (moved: field → [from, to], in ISO 8601)
    STOCK_SET = "stock_set", _("stock set")  # (was, stock)
    OPENED = "opened", _("opened")
    PAUSED = "paused", _("paused")
    RESUMED = "resumed", _("resumed")
    CLOSED = "closed", _("closed")
    HELD = "held", _("held back")  # (checks: the names of the red ones)
    RELEASED = "released", _("released")
    OVERRIDDEN = "overridden", _("overridden")  # (reason)
    WARMED_UP = "warmed_up", _("warmed up")  # (database_ms, scripts, hosts: [url, answers, asked])
    REBUILT = "rebuilt", _("rebuilt")  # (claimants, highest, epoch)
    CHECKED = "checked", _("checked")  # (claimants, highest, epoch)
    CLAIMS_REPLAYED = "claims_replayed", _("replayed")  # (count, reason)
    CLAIM_GIVEN_UP = "claim_given_up", _("gave up")  # (place, user, why)
    RECEIPT_HONOURED = "receipt_honoured", _("honoured a receipt")  # (place, user)
    GRANTED = "granted", _("granted")  # (count)
    GIVEN_ON = "given_on", _("gave returned stock on")  # (count, to: a value of ReturnsTo)
    PROVED = "proved", _("proved")  # (root, places, coupons)
    PROOF_DIFFERS = "proof_differs", _("differs from its proof")  # (places: ranges as text)
    UNDONE = "undone", _("undone")  # (verb: an UndoableVerb; of stock: was, stock; reason)
    # (verb: a value of ApprovalRequest.Verb; request: its number; reason; asked_by; is_alone)
    APPROVAL_ASKED = "approval_asked", _("asked for approval")
    APPROVED = "approved", _("approved")
    APPROVAL_REFUSED = "approval_refused", _("refused approval")
    REHEARSAL_BEGAN = "rehearsal_began", _("rehearsal began")  # (people, per_second)
    REHEARSED = "rehearsed", _("rehearsed")  # (light, per_second, checks; or stopped)
    SOLD_OUT = "sold_out", _("sold out")  # (stock, after_ms, is_exact)
    OTHER = "other", _("other")  # (text), of a release that knew other kinds


class CampaignEvent(models.Model):
    """Who did what to a campaign, and when. Only ever added to.

    `data` holds JSON values by name; None: an earlier release wrote the row, during an update.
    """

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="events")
    at = models.DateTimeField(auto_now_add=True)
    actor = models.CharField(max_length=150)
    kind = models.CharField(max_length=32, choices=EventKind, db_default=EventKind.OTHER)
    data = models.JSONField(default=dict, null=True)

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor}: {self.kind}"
