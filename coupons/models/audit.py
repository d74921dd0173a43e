"""The audit log: one row for each thing that an operator, a merchant's key or the clock did.

Rows are only ever added. Steps of coupons are not written twice: `CouponEvent` has them, with key,
address and request id, and the log's page reads both tables.
"""

from typing import Any, ClassVar, NoReturn

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from coupons.claims.limits import MAX_REQUEST_BYTES, MAX_USER_BYTES
from coupons.models.campaign import Campaign
from coupons.models.fields import ExactField


class AuditActor(models.TextChoices):
    """Who did it."""

    OPERATOR = "operator", _("operator")
    KEY = "key", _("merchant's key")
    USER = "user", _("user")
    COMMAND = "command", _("command")  # who runs manage.py: user@host
    CLOCK = "clock", _("clock")  # beat and the workers, by themselves
    STRANGER = "stranger", _("not logged in")


class Act(models.TextChoices):
    """What was done, beside the kinds of a campaign's history (`EventKind`), whose values are used
    as they are. A verb of its own is a line here."""

    ADDED = "added", _("added")
    CHANGED = "changed", _("changed")
    DELETED = "deleted", _("deleted")
    TOLD = "told", _("sent a test event")  # (to a webhook's endpoint)
    RESENT = "resent", _("sent events again")
    JOB_TAKEN = "job_taken", _("gave a job")
    JOB_DONE = "job_done", _("finished a job")
    READ = "read", _("read")
    SEARCHED = "searched", _("searched")
    EXPORTED = "exported", _("downloaded")
    LOGIN = "login", _("logged in")
    LOGOUT = "logout", _("logged out")
    LOGIN_REFUSED = "login_refused", _("was refused at the login")
    PASSWORD = "password", _("password set")
    FACTOR_ADDED = "factor_added", _("second factor set up")
    FACTOR_REMOVED = "factor_removed", _("second factor removed")
    RECOVERY_CODE = "recovery_code", _("recovery code used")
    LINK = "link", _("link made to choose a password")
    COMMAND = "command", _("ran a command")
    REFUSED = "refused", _("was refused")
    SENT = "sent", _("sent a form or request")  # that left no row of its own


class Refusing(models.QuerySet["AuditEvent"]):
    """Rows can be added and read."""

    def update(self, **_values: Any) -> NoReturn:
        raise AuditIsKept

    def delete(self) -> NoReturn:
        raise AuditIsKept

    def bulk_update(self, *_args: Any, **_more: Any) -> NoReturn:
        raise AuditIsKept


class AuditIsKept(TypeError):
    def __init__(self) -> None:
        super().__init__("Rows of the audit log are added, never changed or deleted.")


class AuditEvent(models.Model):
    """Who did what, when, from where; what it was before and is after.

    `object_kind` and `object_id`: a model's name and what names a row of it to people (a slug, a
    prefix, a name). `user`: the customer whom it concerns. `before` and `after`: JSON values by
    field, of those that changed only; None: nothing was there.
    """

    at = models.DateTimeField(db_default=Now())  # by the database's clock
    actor_kind = models.CharField(max_length=8, choices=AuditActor)
    actor = models.CharField(max_length=150)
    verb = models.CharField(max_length=32)  # a value of Act or EventKind
    # Of a draft that was deleted, too.
    campaign = models.ForeignKey(
        Campaign, models.DO_NOTHING, null=True, db_index=False, db_constraint=False,
        related_name="+",
    )  # fmt: skip
    object_kind = models.CharField(max_length=24, blank=True)
    object_id = models.CharField(max_length=150, blank=True)
    user = ExactField(max_length=MAX_USER_BYTES, null=True)
    address = models.CharField(max_length=64, blank=True)  # IP address; host of a command or worker
    request_id = ExactField(max_length=MAX_REQUEST_BYTES, null=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    reason = models.CharField(max_length=500, blank=True)

    objects = Refusing.as_manager()

    class Meta:
        default_permissions = ()
        verbose_name = _("audit event")
        verbose_name_plural = _("audit log")
        ordering: ClassVar = ["-at", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["at"], name="audit_by_time"),
            models.Index(fields=["actor", "at"], name="audit_by_actor"),
            models.Index(fields=["verb", "at"], name="audit_by_verb"),
            models.Index(fields=["campaign", "at"], name="audit_by_campaign"),
            models.Index(fields=["object_kind", "object_id", "at"], name="audit_by_object"),
            models.Index(fields=["user", "at"], name="audit_by_user"),
            models.Index(fields=["address", "at"], name="audit_by_address"),
            models.Index(fields=["request_id"], name="audit_by_request"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor}: {self.verb} {self.object_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert. Raises AuditIsKept for a row that exists."""
        if not self._state.adding:
            raise AuditIsKept
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise AuditIsKept
