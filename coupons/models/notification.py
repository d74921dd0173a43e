"""Notifications to the operators: what they are told by mail or in a chat."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class NotificationKind(models.TextChoices):
    """What an operator is told. In brackets: the names in the notification's `data`, beside
    `campaign_id` of each that is about a campaign."""

    HELD = "held", _("opening held back")  # (campaign, name, checks)
    SOLD_OUT = "sold_out", _("sold out")  # (campaign, name, after_ms, stock)
    PARKED = "parked", _("claims are parked")  # (campaign, name, count, reason)
    BEAT_DEAD = "beat_dead", _("beat is dead")  # (seconds: since its last sign of life)
    REHEARSAL_RED = "rehearsal_red", _("rehearsal is red")  # (campaign, name, checks)
    APPROVAL_ASKED = "approval_asked", _("asked for approval")  # (…, verb, who, reason)
    TEST = "test", _("test")  # ()


class NotificationChannel(models.TextChoices):
    MAIL = "mail", _("mail")
    WEBHOOK = "webhook", _("chat webhook")


class NotificationState(models.TextChoices):
    WAITING = "waiting", _("waiting")
    SENT = "sent", _("sent")
    FAILED = "failed", _("failed for good")


class Notification(models.Model):
    """One event, told on one channel. `event` names it: it is told once on each channel, whoever
    notices it, and however often."""

    event = models.CharField(max_length=150)
    channel = models.CharField(max_length=8, choices=NotificationChannel)
    kind = models.CharField(max_length=32, choices=NotificationKind)
    data = models.JSONField(default=dict)
    at = models.DateTimeField()
    state = models.CharField(
        max_length=8, choices=NotificationState, default=NotificationState.WAITING
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    busy_until = models.DateTimeField(null=True)  # a process sends it
    sent_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=200, blank=True)  # of the last attempt

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["event", "channel"], name="notification_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["state", "due_at"], name="notification_by_due"),
        ]

    def __str__(self) -> str:
        return f"{self.event} by {self.channel}: {self.state}"
