"""Models whose every change leaves a row: saved, deleted, or given other groups or rights.

Whatever door it comes by, admin, API or command. A queryset's `update` sends no signal: who uses it
on one of these calls `record_change`.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_save

from coupons.audit import trail
from coupons.models import Act, Campaign, Merchant, MerchantKey, WebhookEndpoint

_SECRET = {"password", "hashed_key"}  # that they changed is shown, not to what
# Written by the system as it goes, or part of a secret (the id of a key ends with its hash).
_LEFT_OUT = {
    "id", "last_login", "last_used_at", "epoch", "filter_blocks", "failures", "paused_until",
    "is_suspect", "slots_to_keep", "state_changed_at",
}  # fmt: skip
# What names a row to people.
_NAMES = {
    "campaign": "slug", "merchant": "slug", "merchantkey": "prefix", "webhookendpoint": "pk",
    "user": "username", "group": "name",
}  # fmt: skip
_PENDING = "_audited_changes"


def watch_models() -> None:
    """Connect the signals: called once, when the models are loaded."""
    for model in (Merchant, MerchantKey, WebhookEndpoint, User, Group):
        pre_save.connect(_remember, sender=model, dispatch_uid=f"audit {model.__name__}")
        post_save.connect(_record_save, sender=model, dispatch_uid=f"audit {model.__name__}")
        post_delete.connect(_record_delete, sender=model, dispatch_uid=f"audit {model.__name__}")
    # A campaign's history is written by who changes it, with these values.
    pre_save.connect(_remember, sender=Campaign, dispatch_uid="audit Campaign")
    post_delete.connect(_record_delete, sender=Campaign, dispatch_uid="audit Campaign")
    for through in (User.groups.through, User.user_permissions.through, Group.permissions.through):
        m2m_changed.connect(_record_links, sender=through, dispatch_uid=f"audit {through.__name__}")


def record_change(before: Model, after: Model) -> None:
    """A row for a change that sent no signal; none if no field differs."""
    was, now = _differences(fields_of(before), fields_of(after))
    if now:
        _record(Act.CHANGED, after, was, now)


def take_changes(row: Model) -> tuple[trail.Values, trail.Values]:
    """Before and after of the last save of this row, once."""
    changes: tuple[trail.Values, trail.Values] = vars(row).pop(_PENDING, (None, None))
    return changes


def fields_of(row: Model) -> dict[str, Any]:
    """Its fields as they are shown; a secret as `•••`."""
    return {
        field.name: vars(row).get(field.attname)
        for field in row._meta.concrete_fields
        if field.name not in _LEFT_OUT
    }


def _differences(
    before: dict[str, Any], after: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    changed = [name for name in after if _text(before.get(name)) != _text(after[name])]
    hide = {name for name in changed if name in _SECRET}
    was = {name: "•••" if name in hide else before.get(name) for name in changed if name in before}
    return was, {name: "••• (changed)" if name in hide else after[name] for name in changed}


def _text(value: Any) -> str:
    """Alike for 10 and 10.00, a list and its copy."""
    return str(value.normalize()) if hasattr(value, "normalize") else str(value)


def _remember(instance: Model, update_fields: Iterable[str] | None = None, **_: Any) -> None:
    """Before a save: what the database holds, compared with what it is to hold."""
    after = fields_of(instance)
    if update_fields is not None:
        after = {name: value for name, value in after.items() if name in set(update_fields)}
        if not after:
            vars(instance)[_PENDING] = ({}, {})
            return
    stored = None
    if not instance._state.adding and instance.pk is not None:
        stored = type(instance)._default_manager.filter(pk=instance.pk).first()
    before = fields_of(stored) if stored is not None else {}
    vars(instance)[_PENDING] = _differences(before, after)


def _record_save(instance: Model, created: bool, **_: Any) -> None:
    was, now = take_changes(instance)
    if created:
        _record(Act.ADDED, instance, None, now)
    elif now:
        _record(Act.CHANGED, instance, was, now)


def _record_delete(instance: Model, **_: Any) -> None:
    was = {name: "•••" if name in _SECRET else value for name, value in fields_of(instance).items()}
    _record(Act.DELETED, instance, was, None)


def _record_links(
    instance: Any, action: str, reverse: bool, model: type[Model], pk_set: set[Any] | None, **_: Any
) -> None:
    """Groups of an operator, rights of an operator or a role: what was added and removed."""
    if action == "pre_clear":
        field = next((f.name for f in instance._meta.many_to_many if f.related_model is model), "")
        pk_set = set(getattr(instance, field).values_list("pk", flat=True)) if field else set()
        action = "post_remove"
    if action not in ("post_add", "post_remove") or not pk_set:
        return
    names = sorted(str(row) for row in model._default_manager.filter(pk__in=pk_set))
    values = {f"{model._meta.model_name}s": names}
    is_added = action == "post_add"
    _record(Act.CHANGED, instance, None if is_added else values, values if is_added else None)


def _record(verb: Act, row: Model, before: trail.Values, after: trail.Values) -> None:
    kind = row._meta.model_name or ""
    name = getattr(row, _NAMES.get(kind, "pk"))
    campaign = row.pk if isinstance(row, Campaign) else None
    trail.record_act(verb, kind=kind, id=name, campaign=campaign, before=before, after=after)
