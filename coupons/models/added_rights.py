"""What a migration needs to add rights: the rights themselves, for Django makes them only after the
last migration, and their place in the groups of the roles.

A group whose role has lost a right that a release gave it was changed by the site: it is the
site's own, and gets nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Named = Sequence[tuple[str, str]]  # (codename, name)


def add_rights(
    apps: Any,
    named: Mapping[str, Named],
    *,
    roles: Mapping[str, Sequence[str]],
    held: Mapping[str, Sequence[str]],
    kept: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """`named`: the new rights by model. `roles`: codenames to add, by group. `held`: codenames that
    a group must have, else it is the site's own. `kept`: who has the right on the left, user or
    group, gets those on the right. Does nothing twice."""
    rights = {**_made_rights(apps, named)}
    for codename, added in (kept or {}).items():
        _give_holders(apps, codename, [rights[name] for name in added])
    group_model = apps.get_model("auth", "Group")
    for role, added in roles.items():
        group = group_model.objects.filter(name=role).first()
        if group is None:
            continue
        has = set(group.permissions.values_list("codename", flat=True))
        if has >= set(held.get(role, ())):
            group.permissions.add(*(rights[name] for name in added))


def _made_rights(apps: Any, named: Mapping[str, Named]) -> dict[str, Any]:
    """Every right of this app by its codename, the new ones included."""
    type_model = apps.get_model("contenttypes", "ContentType")
    permission_model = apps.get_model("auth", "Permission")
    for model, pairs in named.items():
        kind, _is_new = type_model.objects.get_or_create(app_label="coupons", model=model)
        for codename, name in pairs:
            permission_model.objects.get_or_create(
                content_type=kind, codename=codename, defaults={"name": name}
            )
    of_app = permission_model.objects.filter(content_type__app_label="coupons")
    return {right.codename: right for right in of_app}


def _give_holders(apps: Any, codename: str, added: Sequence[Any]) -> None:
    of_app = {"content_type__app_label": "coupons", "codename": codename}
    right = apps.get_model("auth", "Permission").objects.filter(**of_app).first()
    if right is None:
        return
    for user in apps.get_model("auth", "User").objects.filter(user_permissions=right):
        user.user_permissions.add(*added)
    for group in apps.get_model("auth", "Group").objects.filter(permissions=right):
        group.permissions.add(*added)
