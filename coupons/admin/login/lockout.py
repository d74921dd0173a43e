"""Lockout: limits on password checks. Attempts are counted before a password is hashed.

| counted | attempts | until |
|---|---|---|
| by name and address | 5 | 15 minutes after the first |
| by name, from anywhere | 50 | the same |
| by address, any name | 20 | the same |
| all users together | 8 | a minute after the first |
| by name and known browser, instead of all these | 5 | 15 minutes after the first |

Counted in Redis, in one step for all processes, for existing and unknown names alike. While Redis
is away there is no lockout of passwords, since operators must be able to log in then. The cost of a
flood is then bounded by checking two passwords at a time (`password_slots`), and each process
counts the codes itself (`local_attempts`): five by name, and five by name and known browser.
"""

import logging
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.core.exceptions import PermissionDenied
from django.dispatch import receiver
from django.http import HttpRequest

from coupons.admin.login import local_attempts
from coupons.admin.login.known_browser import browser_of
from coupons.admin.login.login_log import log_login
from coupons.admin.login.password_slots import NoSlot, password_slot
from coupons.audit.client_address import client_network
from coupons.errors import StoreFailure
from coupons.observability.metrics import Login
from coupons.store import store
from coupons.store.login_failures import FORGOTTEN_AFTER_S, Counted, Kind, Limit, Source

MOST_WRONG = 5
# A check takes 0.6 s of a slow processor: eight a minute are less than 5 % of two of them.
STRANGERS = {Limit.SOURCE: MOST_WRONG, Limit.NAME: 50, Limit.ADDRESS: 20, Limit.EVERYBODY: 8}
KNOWN = {Limit.SOURCE: MOST_WRONG}
# Codes have counters of their own: who tries them has the password already. Of a million codes,
# three are right at a time: twenty guesses in 15 minutes find one in half a year, on average.
# No limit for all users together: who has one operator's password would keep the others out.
CODE_STRANGERS = {Limit.SOURCE: MOST_WRONG, Limit.NAME: 20, Limit.ADDRESS: 20}
BUSY_S = 5
_LONGEST_NAME = 150  # characters, of the database's column

logger = logging.getLogger(__name__)


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
            log_login(Login.REFUSED, username, request)
            _attach_refusal(request, refusal)
            raise PermissionDenied from None
        log_login(Login.RIGHT if right else Login.WRONG, username, request)
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
            yield _count(source, name, KNOWN if source.browser else STRANGERS)
    except NoSlot:
        raise Refusal(Why.BUSY, BUSY_S) from None


def count_code(request: HttpRequest, user: User) -> Source:
    """Count an attempt with a code of the second factor, before it is looked at. Returns what to
    forget if it was right. Raises Refusal."""
    source = replace(_source(request, user, user.get_username()), kind=Kind.CODE)
    _count(source, user.get_username(), KNOWN if source.browser else CODE_STRANGERS)
    return source


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


def _count_here(source: Source) -> Counted:
    """Redis is away: this process counts the code. Raises Refusal."""
    free_in_s = local_attempts.count_here(source.name, source.browser, MOST_WRONG)
    if free_in_s:
        raise Refusal(Why.WRONG, free_in_s)
    return Counted()


def _count(source: Source, name: str, limits: dict[Limit, int]) -> Counted:
    try:
        counted = store().logins.count_attempt(source, limits)
    except StoreFailure:
        logger.warning("a login attempt could not be counted: Redis does not respond")
        if source.kind is Kind.CODE:
            return _count_here(source)
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
    if source is not None:
        forget_source(source)


def forget_source(source: Source) -> None:
    if source.kind is Kind.CODE:
        local_attempts.forget_here(source.name, source.browser)
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
