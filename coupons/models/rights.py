"""The rights of operators beyond Django's view, add, change and delete, and the four roles.

Migration 0011 makes the rights and a group for each role, and later ones add to both. From then on
a group is the site's own: what an administrator changes in it stays.
"""

from enum import StrEnum
from typing import Any, NamedTuple

from django.utils.translation import gettext_noop


class Right(StrEnum):
    """Codenames of permissions, in the app `coupons`."""

    VIEW_USER_IDS = "view_user_ids"
    VIEW_AUDIT = "view_audit"
    SCHEDULE = "schedule_campaign"
    OPEN = "open_campaign"
    PAUSE = "pause_campaign"
    CLOSE = "close_campaign"
    CHANGE_STOCK = "change_stock"
    RESCHEDULE = "reschedule_campaign"
    OVERRIDE = "override_opening"
    REHEARSE = "rehearse_campaign"
    REPLAY = "replay_claims"
    GIVE_UP = "give_up_claims"
    HONOUR = "honour_receipts"
    RELEASE = "release_coupon"
    CANCEL = "cancel_redemption"
    REVOKE = "revoke_coupon"
    EXTEND = "extend_coupon"
    ROLL_KEY = "roll_merchantkey"
    REVOKE_KEY = "revoke_merchantkey"
    SWITCH_ENDPOINT = "switch_webhookendpoint"
    TEST_ENDPOINT = "test_webhookendpoint"
    REPLAY_ENDPOINT = "replay_webhookendpoint"
    ASK = "ask_approval"
    APPROVE = "approve_requests"

    @property
    def label(self) -> str:
        """In English; to be translated where it is shown."""
        return LABELS[self]


LABELS = {
    Right.VIEW_USER_IDS: gettext_noop("Can see users' ids and coupons' codes"),
    Right.VIEW_AUDIT: gettext_noop("Can see the audit log"),
    Right.SCHEDULE: gettext_noop("Can schedule a campaign"),
    Right.OPEN: gettext_noop("Can open a campaign now"),
    Right.PAUSE: gettext_noop("Can pause and resume a campaign"),
    Right.CLOSE: gettext_noop("Can close a campaign for good"),
    Right.CHANGE_STOCK: gettext_noop("Can change the stock of a public campaign"),
    Right.RESCHEDULE: gettext_noop("Can move the window of a public campaign"),
    Right.OVERRIDE: gettext_noop("Can let an opening go on although its board is red"),
    Right.REHEARSE: gettext_noop("Can hold a dress rehearsal"),
    Right.REPLAY: gettext_noop("Can put parked claims back on the queue"),
    Right.GIVE_UP: gettext_noop("Can give up parked claims"),
    Right.HONOUR: gettext_noop("Can honour receipts of lost claims"),
    Right.RELEASE: gettext_noop("Can release a coupon from an order"),
    Right.CANCEL: gettext_noop("Can cancel a redemption"),
    Right.REVOKE: gettext_noop("Can revoke a coupon, and undo that"),
    Right.EXTEND: gettext_noop("Can extend a coupon"),
    Right.ROLL_KEY: gettext_noop("Can make a successor of a merchant's key"),
    Right.REVOKE_KEY: gettext_noop("Can revoke a merchant's key"),
    Right.SWITCH_ENDPOINT: gettext_noop("Can enable and disable a webhook endpoint"),
    Right.TEST_ENDPOINT: gettext_noop("Can send a test event to a webhook endpoint"),
    Right.REPLAY_ENDPOINT: gettext_noop("Can send a webhook endpoint's events again"),
    Right.ASK: gettext_noop("Can ask another person to approve what can't be undone"),
    Right.APPROVE: gettext_noop("Can approve what another person asked for"),
}


def _named(*rights: Right) -> list[tuple[str, Any]]:
    return [(str(right), right.label) for right in rights]


# By the model to which Django ties them.
OF_COUPON = _named(Right.RELEASE, Right.CANCEL, Right.REVOKE, Right.EXTEND)
OF_KEY = _named(Right.ROLL_KEY, Right.REVOKE_KEY)
OF_ENDPOINT = _named(Right.SWITCH_ENDPOINT, Right.TEST_ENDPOINT, Right.REPLAY_ENDPOINT)
OF_REQUEST = _named(Right.ASK, Right.APPROVE)
_OF_OTHERS = (*OF_COUPON, *OF_KEY, *OF_ENDPOINT, *OF_REQUEST)
OF_CAMPAIGN = [pair for pair in _named(*Right) if pair not in _OF_OTHERS]


class Role(NamedTuple):
    """A group of operators: Django's rights by name, and ours."""

    name: str
    django: tuple[str, ...]
    ours: tuple[Right, ...]

    @property
    def codenames(self) -> list[str]:
        return [*self.django, *map(str, self.ours)]


_VIEWED = (
    "view_campaign", "view_coupon", "view_merchant", "view_merchantkey", "view_waitlistentry",
    "view_webhookendpoint", "view_webhookdelivery", "view_approvalrequest",
)  # fmt: skip
_SUPPORTS = (Right.VIEW_USER_IDS, Right.RELEASE, Right.CANCEL, Right.EXTEND, Right.TEST_ENDPOINT)
_OPERATES = (
    *_SUPPORTS, Right.VIEW_AUDIT, Right.SCHEDULE, Right.OPEN, Right.PAUSE, Right.CHANGE_STOCK,
    Right.RESCHEDULE, Right.REHEARSE, Right.REPLAY, Right.REVOKE, Right.ROLL_KEY, Right.REVOKE_KEY,
    Right.SWITCH_ENDPOINT, Right.REPLAY_ENDPOINT, Right.ASK,
)  # fmt: skip
_APPROVES = (
    Right.VIEW_USER_IDS, Right.VIEW_AUDIT, Right.PAUSE, Right.CLOSE, Right.OVERRIDE, Right.GIVE_UP,
    Right.HONOUR, Right.ASK, Right.APPROVE,
)  # fmt: skip
_WRITTEN = (
    "add_campaign", "change_campaign", "delete_campaign", "add_merchant", "change_merchant",
    "add_merchantkey",
)  # fmt: skip
ROLES = {
    role.name: role
    for role in (
        Role("viewer", _VIEWED, (Right.VIEW_AUDIT,)),
        Role("support", _VIEWED, _SUPPORTS),
        Role("operator", _VIEWED + _WRITTEN, _OPERATES),
        Role("approver", _VIEWED, _APPROVES),
    )
}
