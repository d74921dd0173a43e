"""Who does what happens in this thread, and from where: for every row of the audit log.

Set once at each entry (a middleware, a command, a task) and read when a row is written:

    with origin.acting(Origin(AuditActor.COMMAND, "ops@host", "host", "")):
        ...

Nobody else needs to know of it: `log.record_event` and the watched models take it by themselves.
"""

import getpass
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from coupons.models import AuditActor
from coupons.observability import request_id


@dataclass(frozen=True, slots=True)
class Origin:
    """`address`: an IP address; of a command or a task its host. `verb`: the command, task or
    route."""

    kind: AuditActor
    name: str
    address: str
    verb: str = ""


class Scope:
    """One request, command or task. `find`: makes its origin, when the first row needs it."""

    __slots__ = ("find", "refusal", "request_id", "rows")

    def __init__(self, find: Callable[[], Origin], request_id: str = "") -> None:
        self.find, self.request_id = find, request_id
        self.refusal = ""  # why the verb was refused, as the operator was told
        self.rows = 0  # written so far, in the audit log or among coupons' events


_scope: ContextVar[Scope | None] = ContextVar("audit_scope", default=None)


@contextmanager
def acting(find: Callable[[], Origin]) -> Iterator[Scope]:
    """Whatever this thread does within is done by this origin."""
    scope = Scope(find, request_id.current_request_id())
    token = _scope.set(scope)
    try:
        yield scope
    finally:
        _scope.reset(token)


def current_origin() -> Origin:
    """Outside of every scope: this process, by itself, as a worker or beat."""
    scope = _scope.get()
    return scope.find() if scope else of_process(AuditActor.CLOCK, "")


def current_address() -> str:
    """Where it comes from; "" outside of every scope."""
    scope = _scope.get()
    return scope.find().address if scope else ""


def current_request() -> str:
    """The id of the request that asked for this; "" outside of one."""
    scope = _scope.get()
    return request_id.current_request_id() or (scope.request_id if scope else "")


def count_row() -> None:
    """A row was written that says what was done."""
    if scope := _scope.get():
        scope.rows += 1


def note_refusal(text: str) -> None:
    """What was asked for was not done. A request that leaves no row is a refusal then."""
    if scope := _scope.get():
        scope.refusal = text


def of_process(kind: AuditActor, verb: str) -> Origin:
    """A command: the system's user and host. A task or beat: the task's name and host."""
    host = socket.gethostname()
    if kind is AuditActor.COMMAND:
        return Origin(kind, f"{_system_user()}@{host}", host, verb)
    return Origin(kind, verb or "clock", host, verb)


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "?"
