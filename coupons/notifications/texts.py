"""What operators are told: one subject and a few lines, in Korean and in English."""

from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from coupons.audit import labels
from coupons.audit.durations import duration_text
from coupons.models import NotificationKind

# Of the admin, whose addresses a worker does not load.
CAMPAIGN_PAGE = "/admin/coupons/campaign/{}/change/"
LANGUAGES = ("ko", "en")  # both in one message: who reads it is not known


def subject_of(kind: str, data: dict[str, Any]) -> str:
    """`[coupons] lunch-1: 오픈 보류 / opening held back`."""
    where = f"{data['campaign']}: " if data.get("campaign") else ""
    return f"[coupons] {where}{' / '.join(_in_each(lambda: _label(kind)))}"


def body_of(kind: str, data: dict[str, Any]) -> str:
    """A sentence in each language, and a link to the campaign's page if the admin's address is
    known."""
    link = _link(data)
    return "\n".join([*_in_each(lambda: _sentence(kind, data)), *([link] if link else [])])


def _link(data: dict[str, Any]) -> str:
    """Empty: of no campaign, or of one that an earlier release noticed."""
    number = data.get("campaign_id")
    if not (settings.ADMIN_URL and number):
        return ""
    return f"{settings.ADMIN_URL}{CAMPAIGN_PAGE.format(number)}"


def _in_each(make: Any) -> list[str]:
    texts = []
    for language in LANGUAGES:
        with translation.override(language):
            texts.append(str(make()))
    return texts


def _label(kind: str) -> str:
    return str(NotificationKind(kind).label)


def _sentence(kind: str, data: dict[str, Any]) -> str:
    name, slug = data.get("name", ""), data.get("campaign", "")
    where = f"{name} ({slug})"
    if kind == NotificationKind.HELD:
        text = _("{}: the opening is held back. Red: {}. Look at the readiness board.")
        return text.format(where, _checks(data))
    if kind == NotificationKind.SOLD_OUT:
        text = _("{0}: sold out {1} after the opening, stock {2}.")
        return text.format(where, duration_text(data["after_ms"]), f"{data['stock']:,}")
    if kind == NotificationKind.PARKED:
        text = _("{0}: parked claims: {1}. Users were told of coupons that are not stored.")
        return text.format(where, f"{data['count']:,}")
    if kind == NotificationKind.BEAT_DEAD:
        text = _("Periodic tasks have not run for {}: beat, or its worker, is down.")
        return text.format(duration_text(1000 * data["seconds"]))
    if kind == NotificationKind.REHEARSAL_RED:
        return _("{}: the dress rehearsal is red: {}.").format(where, _checks(data))
    if kind == NotificationKind.APPROVAL_ASKED:
        text = _("{0}: {1} asks for approval: {2}: {3}. Another person decides in the admin.")
        verb = labels.verb_label(data.get("verb", "?"))
        return text.format(where, data.get("who", "?"), verb, data.get("reason", ""))
    return _("This is a test of the notifications.")


def _checks(data: dict[str, Any]) -> str:
    return ", ".join(map(labels.check_label, data.get("checks", ()))) or "?"
