"""Checks of the campaign's queue: its keys in Redis can be read, and waiting claims are stored."""

from django.utils.translation import gettext as _

from coupons.errors import StoreError, WrongLayout
from coupons.readiness.result import Line, amber, green, red
from coupons.store import keys, store

WAITS_AMBER_S, WAITS_RED_S = 10, 30  # red: as in the alert ClaimsWaitTooLong


def queue_keys_line(slug: str) -> Line:
    """Each key has the type that we wrote, and the gate has all fields of a gate. Raises
    StoreAway."""
    wrong_keys = [
        f"{getattr(keys.campaign_keys(slug), key)} ({key_type})"
        for key, key_type in store().campaigns.wrongly_typed_keys([slug]).result(slug).items()
    ]
    if wrong_keys:
        seen = _("Keys of this campaign in Redis have a wrong type: {keys}.")
        return red("keys", seen.format(keys=", ".join(wrong_keys)), _set_aside(slug))
    try:
        store().campaigns.gates([slug]).result(slug)
    except WrongLayout as error:
        do = _("Older: manage.py upgrade_redis. Newer: deploy the release that it needs.")
        return red("keys", _("It can't be read: {why}").format(why=error), do)
    except StoreError as error:
        return red("keys", _("It can't be read: {why}").format(why=error), _set_aside(slug))
    return green("keys", _("All keys of this campaign in Redis can be read."))


def drain_line(slug: str) -> Line:
    """Admitted claims are stored within seconds. Raises StoreAway; StoreError if the queue can't be
    read."""
    failures, since = store().wakeups.drain_failures([slug]), store().queue.waiting_since([slug])
    if slug in failures.failed or failures[slug] is not None:
        return red(
            "drain",
            _("Its claims can't be stored: {why}").format(why=failures.get(slug)),
            f"journalctl -u coupon-worker -n 200 | grep {slug}",
        )
    oldest_ms = since.result(slug)
    if oldest_ms is None:
        return green("drain", _("No claim waits to be stored."))
    age_s = max(0.0, (store().server.now_ms() - oldest_ms) / 1000)
    seen = _("A claim has been waiting to be stored for {age:.0f} s.").format(age=age_s)
    do = f"journalctl -u coupon-worker -n 200 | grep {slug}"
    if age_s > WAITS_RED_S:
        return red("drain", seen, do)
    return amber("drain", seen, do) if age_s > WAITS_AMBER_S else green("drain", seen)


def _set_aside(slug: str) -> str:
    return _(
        "Rename the key (redis-cli RENAME), then manage.py rebuild {slug} and manage.py reconcile"
        " {slug} --repair: what was admitted is put back."
    ).format(slug=slug)
