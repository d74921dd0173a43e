"""Django's admin of users, which refuses names that are nearly equal.

The database distinguishes `mina` from `Mina` (migration 0007), but login attempts are counted for
both together, and in a campaign's history they could be confused.

Superusers alone manage operators and roles: another one who may change an operator could become a
superuser.
"""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_otp.plugins.otp_static import admin as static_admin
from django_otp.plugins.otp_totp import admin as totp_admin

from coupons.admin.list_lookups import OfferedLookups
from coupons.admin.login import second_factor
from coupons.admin.login.lockout import folded_name
from coupons.admin.login.login_log import log_change
from coupons.models import Act


class NewOperatorForm(AdminUserCreationForm):  # type: ignore[type-arg]  # not generic at run time
    def clean_username(self) -> Any:
        return _distinct_name(super().clean_username(), self.instance)


class OperatorForm(UserChangeForm):  # type: ignore[type-arg]
    def clean_username(self) -> Any:
        name = self.cleaned_data["username"]
        return _distinct_name(name, self.instance) if "username" in self.changed_data else name


def _distinct_name(name: str | None, instance: User) -> str | None:
    """Compares with all names, since operators are few and no database folds names as we do."""
    others = User.objects.exclude(pk=instance.pk).values_list("username", flat=True)
    for other in others if name else ():
        if folded_name(other) == folded_name(str(name)):
            text = _("An operator has nearly the same name: {name}.")
            raise ValidationError(text.format(name=other), code="alike")
    return name


class SuperusersOnly:
    """Mixin: Django's rights on users and groups are not enough."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return _is_superuser(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return _is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return _is_superuser(request)


def _is_superuser(request: HttpRequest) -> bool:
    return bool(request.user.is_active and request.user.is_superuser)


class OperatorAdmin(SuperusersOnly, OfferedLookups, UserAdmin):  # type: ignore[type-arg]
    form, add_form = OperatorForm, NewOperatorForm
    actions = ("reset_second_factor",)

    @admin.action(description=gettext_lazy("Reset the second factor"), permissions=["change"])
    def reset_second_factor(self, request: HttpRequest, chosen: QuerySet[User]) -> None:
        """Those who lost phone and recovery codes enrol again, by a link of manage.py operator."""
        for operator in chosen.order_by("username"):
            second_factor.remove_devices(operator)
            name, by = operator.get_username(), request.user.get_username()
            log_change(Act.FACTOR_REMOVED, "the second factor was removed", name, request, by=by)
            text = _("They need a new link (manage.py operator NAME --link): {name}")
            messages.success(request, text.format(name=name))

    def user_change_password(
        self, request: HttpRequest, id: str, form_url: str = ""
    ) -> HttpResponse:
        response = super().user_change_password(request, id, form_url)
        if request.method == "POST" and response.status_code == 302:
            name = str(self.get_object(request, id))
            log_change(
                Act.PASSWORD, "a new password", name, request, by=request.user.get_username()
            )
        return response


class RoleAdmin(SuperusersOnly, OfferedLookups, GroupAdmin):
    pass


admin.site.unregister([User, Group])
# Their pages would show an operator's key to another one; `second_factor` has its own.
admin.site.unregister([totp_admin.TOTPDevice, static_admin.StaticDevice])
admin.site.register(User, OperatorAdmin)
admin.site.register(Group, RoleAdmin)
