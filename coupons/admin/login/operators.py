"""Django's admin of users, which refuses names that are nearly equal.

The database distinguishes `mina` from `Mina` (migration 0007), but login attempts are counted for
both together, and in a campaign's history they could be confused.
"""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from coupons.admin.login.lockout import folded_name


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


class OperatorAdmin(UserAdmin):  # type: ignore[type-arg]
    form, add_form = OperatorForm, NewOperatorForm


admin.site.unregister(User)
admin.site.register(User, OperatorAdmin)
