"""Send what was noticed, once on each channel; tried again if a server does not take it.

Runs on the queue of jobs: a mail server that hangs keeps neither drains nor merchants' webhooks
waiting.
"""

import json
import logging
import smtplib
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection
from django.db.models import Q

from coupons.database import availability, clock
from coupons.models import Notification, NotificationChannel, NotificationState
from coupons.notifications import texts
from coupons.webhooks import addresses, sender

logger = logging.getLogger(__name__)

DELAYS = tuple(timedelta(seconds=seconds) for seconds in (10, 30, 120, 600, 3600))
LEASE = timedelta(seconds=60)
MOST_AT_ONCE = 20
KEPT = timedelta(days=90)


class NotSent(Exception):
    """The server did not take it; the text says why, without secrets."""


def send_due(*, until: Callable[[], bool]) -> int:
    """Send what is due. Returns how many were sent. Safe to run twice, late, or in parallel: a row
    is taken by compare-and-set. A process that dies in between may have sent it: it is sent again.
    Raises DatabaseAway."""
    sent = 0
    for row in _due_rows():
        if until():
            break
        if _take(row):
            sent += _send_one(row)
    return sent


def _due_rows() -> list[Notification]:
    with availability.require_database():
        now = clock.read_now()
        Notification.objects.filter(at__lt=now - KEPT).delete()
        waiting = Notification.objects.filter(_is_free(now), state=NotificationState.WAITING)
        return list(waiting.filter(due_at__lte=now).order_by("due_at")[:MOST_AT_ONCE])


def _is_free(now: datetime) -> Q:
    return Q(busy_until=None) | Q(busy_until__lte=now)


def _take(row: Notification) -> bool:
    with availability.require_database():
        now = clock.read_now()
        free = Notification.objects.filter(
            _is_free(now), pk=row.pk, state=NotificationState.WAITING, attempts=row.attempts
        )
        return bool(free.update(busy_until=now + LEASE))


def _send_one(row: Notification) -> bool:
    if not connection.in_atomic_block:
        connection.close()  # others may need it while this waits for an answer
    try:
        send_text(row.channel, texts.subject_of(row.kind, row.data), _body(row))
    except NotSent as failure:
        _record(row, error=str(failure)[:200])
        logger.warning("notification %s by %s was not sent: %s", row.event, row.channel, failure)
        return False
    _record(row, error="")
    return True


def _body(row: Notification) -> str:
    return texts.body_of(row.kind, row.data)


def _record(row: Notification, *, error: str) -> None:
    attempts = row.attempts + 1
    with availability.require_database():
        now = clock.read_now()
        changes: dict[str, object] = {"attempts": attempts, "busy_until": None, "error": error}
        if not error:
            changes |= {"state": NotificationState.SENT, "sent_at": now}
        elif attempts > len(DELAYS):
            changes["state"] = NotificationState.FAILED
        else:
            changes["due_at"] = now + DELAYS[attempts - 1]
        Notification.objects.filter(pk=row.pk, attempts=row.attempts).update(**changes)


def send_text(channel: str, subject: str, body: str) -> None:
    """Raises NotSent."""
    if channel == NotificationChannel.MAIL:
        _send_mail(subject, body)
    else:
        _post_to_chat(f"{subject}\n{body}")


def _send_mail(subject: str, body: str) -> None:
    message = EmailMessage(subject, body, settings.NOTIFY_FROM, settings.NOTIFY_EMAILS)
    try:
        message.send()
    except (OSError, smtplib.SMTPException) as failure:
        raise NotSent(type(failure).__name__) from failure


def _post_to_chat(text: str) -> None:
    """Slack's incoming webhooks, and what understands their body. `<` and `&` would be markup."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    body = json.dumps({"text": escaped}).encode()
    rules = addresses.rules_of_settings()
    attempt = sender.post_message(settings.NOTIFY_WEBHOOK_URL, body, {}, rules)
    if attempt.result is not sender.Result.DELIVERED:
        raise NotSent(f"{attempt.result.value} {attempt.status or ''}".strip())
