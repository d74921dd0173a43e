"""Words of the audit log's page: kinds of objects, names of fields, values as people read them."""

import json
import re
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model, TextChoices
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coupons.admin.audit.field_names import FIELDS
from coupons.admin.formatting import exact_time
from coupons.audit import labels
from coupons.audit.durations import duration_text
from coupons.audit.entries import STEP
from coupons.models import Act, ActorKind, AuditActor, CouponState, EventKind, Verb

_ENUMS: tuple[type[TextChoices], ...] = (Act, EventKind, Verb)
# Where a label alone does not say of what, beside those of the other kinds.
_VERBS: dict[str, Promise] = {
    EventKind.RELEASED: gettext_lazy("opening released"),
    Verb.RELEASE: gettext_lazy("hold released"),
}
# Every operator, whatever the role: not the name of the role.
_ACTORS: dict[str, Any] = {
    **{kind.value: kind.label for kind in (*AuditActor, *ActorKind)},
    AuditActor.OPERATOR: gettext_lazy("admin user"),
    AuditActor.CLOCK: gettext_lazy("system"),  # beat, a worker, a migration
}
KINDS: dict[str, Promise] = {
    "campaign": gettext_lazy("campaign"),
    "coupon": gettext_lazy("coupon"),
    STEP: gettext_lazy("step of a coupon"),
    "attempts": gettext_lazy("a user's attempts"),
    "merchant": gettext_lazy("merchant"),
    "merchantkey": gettext_lazy("merchant's key"),
    "webhookendpoint": gettext_lazy("webhook endpoint"),
    "job": gettext_lazy("job"),
    "user": gettext_lazy("admin user"),
    "group": gettext_lazy("role"),
    "command": gettext_lazy("command"),
    "request": gettext_lazy("request"),
}
_MODELS = {
    "campaign": "coupons.Campaign", "coupon": "coupons.Coupon", STEP: "coupons.CouponLife",
    "merchant": "coupons.Merchant", "merchantkey": "coupons.MerchantKey",
    "webhookendpoint": "coupons.WebhookEndpoint", "user": "auth.User", "group": "auth.Group",
}  # fmt: skip
# Texts of rows about logins, which are stored in English.
_TEXTS: dict[str, Promise] = {
    "right password": gettext_lazy("right password"),
    "wrong password": gettext_lazy("wrong password"),
    "refused without a check of the password": gettext_lazy(
        "refused without a check of the password"
    ),
    "right code": gettext_lazy("right code"),
    "wrong code": gettext_lazy("wrong code"),
    "refused without a check of the code": gettext_lazy("refused without a check of the code"),
    "logged out": gettext_lazy("logged out"),
    "a new password": gettext_lazy("a new password"),
    "a new password at a terminal": gettext_lazy("a new password at a terminal"),
    "a password by a one-time link": gettext_lazy("a password by a one-time link"),
    "a second factor was set up": gettext_lazy("a second factor was set up"),
    "the second factor was removed": gettext_lazy("the second factor was removed"),
}
_PATTERNS = (
    (re.compile(r"the role (\S+) was given at a terminal"),
     gettext_lazy("the role {} was given at a terminal")),
    (re.compile(r"a recovery code was used, (\d+) are left"),
     gettext_lazy("a recovery code was used, left: {}")),
)  # fmt: skip
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?(\+\d\d:\d\d|Z)")


def verb_label(verb: str) -> str:
    """In words; unchanged if this release does not know it."""
    if verb in _VERBS:
        return str(_VERBS[verb])
    for kind in _ENUMS:
        if verb in kind.values:
            return str(kind(verb).label)
    return verb


def actor_label(kind: str) -> str:
    return str(_ACTORS.get(kind, kind))


def kind_label(kind: str) -> str:
    return str(KINDS.get(kind, kind))


def field_label(kind: str, name: str) -> str:
    """As the forms call it, in the operator's language."""
    if name in FIELDS:
        return str(FIELDS[name])
    return str(getattr(_model_field(kind, name), "verbose_name", name.replace("_", " ")))


def _model_field(kind: str, name: str) -> Any:
    if kind not in _MODELS or name == "groups":
        return None
    model: type[Model] = apps.get_model(_MODELS[kind])
    try:
        return model._meta.get_field(name)
    except FieldDoesNotExist:
        return None


def value_text(kind: str, name: str, value: Any) -> str:
    """Moments in the page's time zone, words for states, yes and no, lists with commas."""
    if value is None:
        return "–"
    if isinstance(value, bool) or value in ("True", "False"):
        return str(_("yes")) if value in (True, "True") else str(_("no"))
    if isinstance(value, list) and all(isinstance(one, str | int) for one in value):
        return ", ".join(value_text(kind, name, one) for one in value) or "–"
    if name == "after_ms" and isinstance(value, int):
        return duration_text(value)
    return _word(kind, name, value) if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _word(kind: str, name: str, value: str) -> str:
    if _MOMENT.fullmatch(value):
        return _moment(value)
    if name in ("what", "outcome"):
        return _text(value)
    words = {"verb": labels.verb_label, "checks": labels.check_label}
    if name in words:
        return words[name](value)
    if name == "light":
        return str(labels.LIGHTS.get(value, value))
    if name == "state" and kind in ("coupon", STEP) and value in CouponState.values:
        return str(CouponState(value).label)
    choices = dict(getattr(_model_field(kind, name), "flatchoices", ()))
    return str(choices.get(value, value))


def _moment(text: str) -> str:
    try:
        return exact_time(parse_datetime(text)) or text
    except ValueError:  # no such day
        return text


def _text(text: str) -> str:
    for pattern, words in _PATTERNS:
        if found := pattern.fullmatch(text):
            return str(words).format(*found.groups())
    return str(_TEXTS.get(text, text))
