"""Too many wrong passwords lock a name for a while, for the right one, too: who guesses can't tell.

Counted in Redis, for all processes. While Redis is away nobody is locked out: that is when
operators must get in, and hashing slows a guesser down.
"""

import logging
from typing import Any

from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.core.exceptions import PermissionDenied, ValidationError
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.translation import gettext as _

from coupons.errors import StoreFailure
from coupons.store import store

MOST_WRONG = 5

logger = logging.getLogger(__name__)


def is_locked(name: str) -> bool:
    try:
        return store().wrong_passwords(name) >= MOST_WRONG
    except StoreFailure:
        return False


class Lockout(ModelBackend):
    """The first backend asked: refuses for all who follow."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **_: Any,
    ) -> User | None:
        if username and is_locked(username):
            raise PermissionDenied
        return None


class LoginForm(AdminAuthenticationForm):
    """Says so, whether the name exists or not."""

    def get_invalid_login_error(self) -> ValidationError:
        if is_locked(self.cleaned_data.get("username", "")):
            return ValidationError(
                _("Too many wrong passwords. Please try again in a quarter of an hour.")
            )
        return super().get_invalid_login_error()


@receiver(user_login_failed)
def _wrong(credentials: dict[str, Any], **_: Any) -> None:
    name = credentials.get("username") or ""
    try:
        if not is_locked(name) and store().wrong_password(name) >= MOST_WRONG:
            logger.warning("the name %r is locked after %s wrong passwords", name, MOST_WRONG)
    except StoreFailure:
        logger.warning("a wrong password could not be counted: Redis is away")


@receiver(user_logged_in)
def _right(user: User, **_: Any) -> None:
    try:
        store().right_password(user.get_username())
    except StoreFailure:
        logger.warning("wrong passwords could not be forgotten: Redis is away")
