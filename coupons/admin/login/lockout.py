"""Lockout: limits on password checks. Attempts are counted before a password is hashed.

| counted | attempts | until |
|---|---|---|
| by name and address | 5 | 15 minutes after the first |
| by name, from anywhere | 50 | the same |
| by address, any name | 20 | the same |
| all users together | 8 | a minute after the first |
| by name and known browser, instead of all these | 5 | 15 minutes after the first |

Counted in Redis, in one step for all processes, for existing and unknown names alike. While Redis
is away there is no lockout, since operators must be able to log in then. The cost of a flood is
then bounded by checking two passwords at a time (`password_slots`).
"""

import logging
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.core.exceptions import PermissionDenied
from django.dispatch import receiver
from django.http import HttpRequest

from coupons.admin.login.client_address import client_network
from coupons.admin.login.known_browser import browser_of
from coupons.admin.login.password_slots import NoSlot, password_slot
from coupons.errors import StoreFailure
from coupons.observability import metrics
from coupons.observability.metrics import Login
from coupons.store import store
from coupons.store.login_failures import FORGOTTEN_AFTER_S, Counted, Limit, Source

MOST_WRONG = 5
# A check takes 0.6 s of a slow processor: eight a minute are less than 5 % of two of them.
STRANGERS = {Limit.SOURCE: MOST_WRONG, Limit.NAME: 50, Limit.ADDRESS: 20, Limit.EVERYBODY: 8}
KNOWN = {Limit.SOURCE: MOST_WRONG}
BUSY_S = 5
_LONGEST_NAME = 150  # characters, of the database's column

logger = logging.getLogger(__name__)

for (
    _outcome
) in Login:  # exported from the start: a series that begins with its first event has no rate
    metrics.LOGINS.labels(_outcome)


class Why(StrEnum):
    WRONG = "wrong"  # too many wrong passwords with this name
    ADDRESS = "address"
    EVERYBODY = "everybody"
    BUSY = "busy"


class Refusal(Exception):
    """No password was checked, or none will be at the next attempt. `free_in_s`: seconds."""

    def __init__(self, why: Why, free_in_s: int) -> None:
        super().__init__(f"{why}: free in {free_in_s} s")
        self.why, self.free_in_s = why, free_in_s

    @property
    def status(self) -> int:
        return 503 if self.why is Why.BUSY else 429


_WHY = {Limit.SOURCE: Why.WRONG, Limit.NAME: Why.WRONG, Limit.ADDRESS: Why.ADDRESS,
        Limit.EVERYBODY: Why.EVERYBODY}  # fmt: skip


class Lockout(ModelBackend):
    """Authentication backend: counts the attempt, then checks the database's users. Its refusal is
    final: no other backend is tried."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **_: Any,
    ) -> User | None:
        if username is None or password is None:
            return None
        user = _find(username)
        try:
            with counted_check(request, user, username) as counted:
                right = _is_right(user, password) and self.user_can_authenticate(user)
        except Refusal as refusal:
            metrics.LOGINS.labels(Login.REFUSED).inc()
            _attach_refusal(request, refusal)
            raise PermissionDenied from None
        metrics.LOGINS.labels(Login.RIGHT if right else Login.WRONG).inc()
        if right:
            return user
        if Limit.SOURCE in counted.reached:  # show it now, not at the next attempt
            _attach_refusal(request, Refusal(Why.WRONG, FORGOTTEN_AFTER_S))
        raise PermissionDenied


def _find(name: str) -> User | None:
    try:
        return User.objects.get_by_natural_key(name) if len(name) <= _LONGEST_NAME else None
    except (User.DoesNotExist, UnicodeEncodeError):
        return None


def _is_right(user: User | None, password: str) -> bool:
    """Takes the same time for an unknown name, against user enumeration."""
    if user is None:
        User().set_password(password)
        return False
    return user.check_password(password)


@contextmanager
def counted_check(request: HttpRequest | None, user: User | None, name: str) -> Iterator[Counted]:
    """Within the block one password may be hashed. Raises Refusal."""
    source = _source(request, user, name)
    if request is not None:
        request.META[_SOURCE] = source
    try:
        with password_slot(known=bool(source.browser)):
            yield _count(source, name)
    except NoSlot:
        raise Refusal(Why.BUSY, BUSY_S) from None


def _source(request: HttpRequest | None, user: User | None, name: str) -> Source:
    """The key of the counts; of a user it has the name in the database, however it was typed."""
    known_as = folded_name(user.get_username() if user else name)
    return Source(known_as, client_network(request), browser_of(request, user))


def folded_name(name: str) -> str:
    """A name as the loosest collation compares it: without case, accents, width, surrounding blanks
    and invisible characters."""
    decomposed = unicodedata.normalize("NFKD", name[: 2 * _LONGEST_NAME]).casefold()
    letters = unicodedata.normalize("NFKD", decomposed)
    return "".join(
        letter for letter in letters if unicodedata.category(letter)[0] not in "MC"
    ).strip()


def _count(source: Source, name: str) -> Counted:
    limits = KNOWN if source.browser else STRANGERS
    try:
        counted = store().logins.count_attempt(source, limits)
    except StoreFailure:
        logger.warning("a login attempt could not be counted: Redis does not respond")
        return Counted()
    if counted.refused:
        raise Refusal(_WHY[counted.refused], counted.free_in_s)
    for limit in counted.reached:  # once per period, so that a flood does not fill the log
        text = "%s login attempts, the last as %r from %s: further ones are refused (limit: %s)"
        shown = name[:_LONGEST_NAME]
        logger.warning(text, limits[limit], shown, source.address, limit.name.lower())
    return counted


@receiver(user_logged_in)
def forget_wrong_passwords(request: HttpRequest, **_: Any) -> None:
    """Delete the counts of the source that logged in with this request."""
    source: Source | None = request.META.get(_SOURCE)
    if source is None:
        return
    try:
        store().logins.forget_attempts(source)
    except StoreFailure:
        logger.warning("counts of wrong passwords could not be deleted: Redis does not respond")


# The refusal is passed to the view in the request: Django's `authenticate` returns no reason


def _attach_refusal(request: HttpRequest | None, refusal: Refusal) -> None:
    if request is not None:
        request.META[_REFUSAL] = refusal


def refusal_of(request: HttpRequest) -> Refusal | None:
    return request.META.get(_REFUSAL)


_SOURCE, _REFUSAL = "coupons.login_source", "coupons.login_refusal"
