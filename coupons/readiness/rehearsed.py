"""Check of the last dress rehearsal: whether there was one, how it ended, and whether the site is
still the one that was rehearsed."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.translation import get_language, gettext_noop
from django.utils.translation import gettext as _

from coupons.audit import labels
from coupons.database import availability, clock
from coupons.errors import StoreFailure
from coupons.models import Campaign, Rehearsal
from coupons.monitoring import clock_skew
from coupons.readiness.crowd_size import usual_crowd
from coupons.readiness.result import Light, Line, amber, green, grey, red

OLD = timedelta(hours=24)  # an older rehearsal counts as none
# Settings that are the same on all hosts and decide how an opening goes; no secret. Without
# WARM_UP_URLS: a shell beside `make run` has none, and --url replaces them; hosts count by name.
_SETTINGS = (
    "PLANNED_API_HOSTS", "PLANNED_CONSUMER_HOSTS", "CONNECTIONS_PER_API_HOST",
    "CONNECTIONS_PER_CONSUMER_HOST", "LONGEST_QUEUE", "DRAIN_BATCH", "QUEUE_MAC",
    "REDIS_TIMEOUT_S", "REDIS_WAIT_REPLICAS", "SHED_AFTER_S", "CLAIMS_PER_USER_PER_S",
    "FACTS_TTL_S", "JWT_ISSUER", "JWT_AUDIENCE", "SHOP_SEGMENTS",
)  # fmt: skip
# What the site's digest consists of, in order.
_PARTS = (
    gettext_noop("the release"), gettext_noop("settings"), gettext_noop("hosts"),
    gettext_noop("the campaign"),
)  # fmt: skip


def site_digest(campaign: Campaign) -> str:
    """Digests of release, settings, hosts and definition, joined by colons."""
    values = [str(getattr(settings, name)) for name in _SETTINGS] + sorted(settings.COUPON_KEYS)
    definition = (campaign.strategy, campaign.per_user, campaign.audience, campaign.stock)
    return ":".join(map(_digest, ([settings.RELEASE], values, _hosts(), map(str, definition))))


def _hosts() -> list[str]:
    """Processes by host, as they report their clocks; empty while Redis does not answer."""
    try:
        return sorted({report.process for report in clock_skew.reported_skews()})
    except StoreFailure:
        return []


def _digest(values: Iterable[str]) -> str:
    """Empty if there are no values."""
    text = "\n".join(values)
    return hashlib.sha256(text.encode()).hexdigest()[:12] if text else ""


def rehearsed_line(campaign: Campaign, *, has_opened: bool = False) -> Line:
    """Once it has opened the line says when it was rehearsed, and asks for nothing. Raises
    DatabaseAway."""
    line = _line(campaign, has_opened=has_opened)
    if not line.do:
        return line
    return replace(line, on_page=_("Press “Dress rehearsal” below, and hold one."))


def _line(campaign: Campaign, *, has_opened: bool) -> Line:
    name, do = "rehearsed", _command(campaign)
    with availability.require_database():
        rehearsals = Rehearsal.objects.filter(campaign=campaign).exclude(light="")
        last = rehearsals.first()
        running = Rehearsal.objects.filter(campaign=campaign, running=True)
        if not has_opened and last is None and running.exists():
            return amber(name, _("It is being rehearsed."), _("Look at the dress rehearsal."))
    if last is None:
        seen = _("Never rehearsed.")
        return grey(name, seen) if has_opened else amber(name, seen, do)
    now = clock.read_now()
    seen = _("Rehearsed {ago} ago at {rate:,} a second: {light}.").format(
        ago=_ago(last.finished_at or last.started_at, now),
        rate=round(last.figures.get("per_second", 0)),
        light=str(labels.LIGHTS.get(last.light, last.light)),
    )
    if has_opened:
        return grey(name, seen)
    changed = _changed_parts(last.site, site_digest(campaign))
    if changed:
        seen += " " + _("Since then these changed: {parts}.").format(parts=", ".join(changed))
        return amber(name, seen, do)
    if now - last.started_at > OLD:
        return amber(name, seen, do)
    if last.light == Light.RED:
        return red(name, f"{seen} {_first_reason(last)}".strip(), do)
    return green(name, seen) if last.light == Light.GREEN else amber(name, seen, do)


def _command(campaign: Campaign) -> str:
    """As it works in a shell: one beside `make run` does not know the site's addresses."""
    command = f"manage.py dress_rehearsal {campaign.slug} --people {usual_crowd(campaign)[0]}"
    urls = settings.WARM_UP_URLS if not settings.PRODUCTION else ()
    return " ".join([command, *(f"--url {url}" for url in urls)])


def _changed_parts(before: str, now: str) -> list[str]:
    pairs = zip(_PARTS, before.split(":"), now.split(":"), strict=False)
    return [_(part) for part, old, new in pairs if old and new and old != new]


def _first_reason(rehearsal: Rehearsal) -> str:
    language = "ko" if (get_language() or "").startswith("ko") else "en"
    reds = (line for line in rehearsal.lines if line["light"] == Light.RED)
    return next((str(line["seen"].get(language, "")) for line in reds), "")


def _ago(at: datetime, now: datetime) -> str:
    minutes = max(0, round((now - at) / timedelta(minutes=1)))
    if minutes < 60:
        return _("{count} min").format(count=minutes)
    if minutes < 48 * 60:
        return _("{count} h").format(count=round(minutes / 60))
    return _("{count} days").format(count=round(minutes / 1440))
