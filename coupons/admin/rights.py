"""What an operator may do and see: each verb of the admin asks for its own right."""

from collections.abc import Iterable

from django.contrib.auth.models import Group, Permission
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.translation import gettext as _

from coupons.models.rights import ROLES, Right

HIDDEN = "•••"  # in place of a user's id, for those who may not see it


def has_right(request: HttpRequest, right: Right) -> bool:
    return request.user.has_perm(f"coupons.{right}")


def require_right(request: HttpRequest, right: Right) -> None:
    """Raises PermissionDenied with the right's name, for the page that tells it."""
    if not has_right(request, right):
        raise PermissionDenied(_(right.label))


def may_see_users(request: HttpRequest) -> bool:
    return has_right(request, Right.VIEW_USER_IDS)


def shown_user(request: HttpRequest, user: str) -> str:
    """A user's id for this operator's page."""
    return user if may_see_users(request) else HIDDEN


def shown_columns(request: HttpRequest, names: Iterable[str]) -> tuple[str, ...]:
    """Names of an admin's columns or fields; those of users' ids and codes (`shown_…`) are the
    hidden ones (`hidden_…`) for an operator who may not see them."""
    if may_see_users(request):
        return tuple(names)
    return tuple(name.replace("shown_", "hidden_") for name in names)


def role_group(name: str) -> Group:
    """The group of a role; made anew if the site has deleted it."""
    group, is_new = Group.objects.get_or_create(name=name)
    if is_new:
        group.permissions.set(
            Permission.objects.filter(
                content_type__app_label="coupons", codename__in=ROLES[name].codenames
            )
        )
    return group
