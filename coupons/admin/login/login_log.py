"""A log line for each thing that happens to an operator's account: who, and from which network.

Lines that strangers cause (a wrong password, a refused attempt) are bounded: LINES_A_MINUTE in each
process, and one more that says that the rest are only counted (`coupon_logins_total`).
"""

import logging
import time

from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest

from coupons.admin.visible_text import one_line
from coupons.audit import trail
from coupons.audit.client_address import client_network
from coupons.models import Act, AuditActor
from coupons.observability import metrics
from coupons.observability.metrics import Login
from coupons.runtime import ProcessState

LINES_A_MINUTE = 60
_LONGEST_NAME = 150  # characters, of the database's column

logger = logging.getLogger(__name__)

for outcome in Login:  # exported from the start: a series that begins with its first event has
    metrics.LOGINS.labels(outcome)  # no rate


class _Budget:
    """The lines of this minute that strangers caused."""

    def __init__(self) -> None:
        self.minute = self.lines = 0


_budget = ProcessState(_Budget)


def log_login(outcome: Login, name: str, request: HttpRequest | None) -> None:
    """Count it, and log it unless strangers have caused too many lines in this minute."""
    metrics.LOGINS.labels(outcome).inc()
    if outcome in (Login.RIGHT, Login.CODE_RIGHT, Login.LOGOUT):
        logger.info("login: %s, %s", outcome.label, _who(name, request))
        _record(_ACTS[outcome], name, name, {"outcome": outcome.label}, kind=AuditActor.OPERATOR)
    elif _has_room():
        logger.warning("login: %s, %s", outcome.label, _who(name, request))
        _record(Act.LOGIN_REFUSED, name, name, {"outcome": outcome.label})


def log_change(
    act: Act, what: str, name: str, request: HttpRequest | None, *, by: str = ""
) -> None:
    """A new password, a second factor made, used up or removed. `by`: another operator. A row of
    the audit log, too: who did it is by its origin, or the operator who is not logged in yet."""
    _record(act, name, by or ("" if _is_by_another(request) else name), {"what": what})
    author = f", by {one_line(by)}" if by and by != name else ""
    logger.warning("account: %s, %s%s", what, _who(name, request), author)


_ACTS = {
    Login.RIGHT: Act.LOGIN, Login.CODE_RIGHT: Act.LOGIN, Login.LOGOUT: Act.LOGOUT,
}  # fmt: skip


def _is_by_another(request: HttpRequest | None) -> bool:
    """A command has no request."""
    return request is None


def _record(
    act: Act, name: str, actor: str, after: dict[str, str], *, kind: AuditActor | None = None
) -> None:
    """`actor`: "" for the origin's. A database that is away keeps nobody out."""
    trail.record_or_log(
        act, kind="user", id=name[:_LONGEST_NAME], after=after, actor=actor or None, actor_kind=kind
    )


def _who(name: str, request: HttpRequest | None) -> str:
    """`repr` escapes what is no letter: controls, line ends, U+202E."""
    return f"{name[:_LONGEST_NAME]!r} from {client_network(request)}"


def _has_room() -> bool:
    budget, minute = _budget.current, int(time.monotonic() / 60)
    if budget.minute != minute:
        budget.minute, budget.lines = minute, 0
    budget.lines += 1
    if budget.lines == LINES_A_MINUTE + 1:
        logger.warning("login: further failures of this minute are only counted")
    return budget.lines <= LINES_A_MINUTE


@receiver(user_logged_out)
def log_logout(request: HttpRequest, user: User | None, **_: object) -> None:
    if user is not None:
        log_login(Login.LOGOUT, user.get_username(), request)
