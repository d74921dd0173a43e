"""Read the audit log: rows of `AuditEvent` and steps of coupons as one list, the newest first.

A page is found by its keyset: the moment and key of the last row shown, never an offset. A search
looks in the columns that an index begins with, each in a query of its own, and merges what they
find, so that a page costs the same at 5 million rows. What no index answers (a step's verb) is
looked for among the next `MOST_LOOKED` steps only; the page says how far it looked.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from coupons.claims.limits import MAX_USER_BYTES, slot_id
from coupons.models import Act, AuditActor, AuditEvent, Coupon, CouponEvent, Verb

MOST_LOOKED = 50_000  # steps of coupons that one page looks at
MOST_SLOTS = 1_000  # coupons of one user
STEP = "coupon_step"  # the kind of a coupon's steps
SEARCHED_COUPON = ("coupon", Act.SEARCHED)  # the object is what was asked: a user's id or a code


@dataclass(frozen=True, slots=True)
class Asked:
    """Filters; empty ones let everything pass. `text`: an exact actor, user, request id, address or
    object. `user`: whether users' ids may be searched."""

    text: str = ""
    verb: str = ""
    kind: str = ""
    campaign_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    user: bool = True


Key = tuple[datetime, int, int, int]  # moment; 1: a row of the log, 0: a step; its key


@dataclass(frozen=True, slots=True)
class Page:
    """`older`: the key after which the next page begins; None: there is nothing more."""

    rows: list[AuditEvent | CouponEvent]
    older: Key | None


def read_page(asked: Asked, after: Key | None, size: int) -> Page:
    """The next rows after this key."""
    looked_to: list[Key] = []
    found: list[AuditEvent | CouponEvent] = list(_acts(asked, after, size + 1))
    found += _steps(asked, after, size + 1, looked_to)
    unique = {key_of(row): row for row in found}
    newest = heapq.nlargest(size + 1, unique)
    if looked_to:  # rows before that were not looked at
        newest = [key for key in newest if key >= looked_to[0]]
    rows = [unique[key] for key in newest[:size]]
    older = newest[size - 1] if len(newest) > size else (looked_to[0] if looked_to else None)
    return Page(rows, older)


def all_rows(asked: Asked, most: int) -> Iterator[AuditEvent | CouponEvent]:
    """Page by page, for an export: at most so many."""
    after, left = None, most
    while left > 0:
        page = read_page(asked, after, min(left, 1_000))
        yield from page.rows
        left -= max(1, len(page.rows))
        if page.older is None:
            return
        after = page.older


def key_of(row: AuditEvent | CouponEvent) -> Key:
    if isinstance(row, AuditEvent):
        return row.at, 1, row.pk, 0
    return row.at, 0, row.coupon_id, row.version


def _acts(asked: Asked, after: Key | None, count: int) -> Iterator[AuditEvent]:
    rows: QuerySet[AuditEvent] = AuditEvent.objects.order_by("-at", "-id")
    if asked.kind == STEP:
        return
    for name in ("verb", "campaign_id"):
        if value := getattr(asked, name):
            rows = rows.filter(**{name: value})
    if asked.kind:
        rows = rows.filter(object_kind=asked.kind)
    rows = _within(rows, asked)
    if after is not None:
        at, is_act, pk, _version = after
        same = Q(at=at, pk__lt=pk) if is_act else Q(pk__in=())
        rows = rows.filter(Q(at__lt=at) | same, at__lte=at)
    for query in _searched(rows, asked):
        yield from query[:count]


def _within(rows: QuerySet[Any], asked: Asked) -> QuerySet[Any]:
    if asked.since:
        rows = rows.filter(at__gte=asked.since)
    return rows.filter(at__lt=asked.until) if asked.until else rows


def _searched(rows: QuerySet[AuditEvent], asked: Asked) -> list[QuerySet[AuditEvent]]:
    """A query for each index that could know the text."""
    text = asked.text
    if not text:
        return [rows]
    if not asked.user:  # nor may what is hidden be guessed
        kind, verb = SEARCHED_COUPON
        rows = rows.exclude(actor_kind=AuditActor.USER).exclude(object_kind=kind, verb=verb)
    kinds = AuditEvent.objects.order_by().values_list("object_kind", flat=True).distinct()
    found = [
        rows.filter(actor=text), rows.filter(address=text), rows.filter(request_id=text),
        rows.filter(object_kind__in=list(kinds), object_id=text),
    ]  # fmt: skip
    return [*found, rows.filter(user=text)] if asked.user else found


def _steps(
    asked: Asked, after: Key | None, count: int, looked_to: list[Key]
) -> Iterator[CouponEvent]:
    if asked.kind not in ("", STEP) or (asked.verb and asked.verb not in Verb.values):
        return
    rows = _within(CouponEvent.objects.order_by("-at", "-coupon_id", "-version"), asked)
    if after is not None:
        at, is_act, slot, version = after
        same = Q(at=at)
        if not is_act:
            same &= Q(coupon_id__lt=slot) | Q(coupon_id=slot, version__lt=version)
        rows = rows.filter(Q(at__lt=at) | same, at__lte=at)
    if asked.campaign_id:
        first, end = slot_id(asked.campaign_id, 0), slot_id(asked.campaign_id + 1, 0)
    if not asked.text and (asked.verb or asked.campaign_id):
        rows = _looked_at(rows, looked_to)
    if asked.verb:
        rows = rows.filter(verb=asked.verb)
    if asked.campaign_id:
        rows = rows.filter(coupon_id__gt=first, coupon_id__lt=end)
    for query in _searched_steps(rows, asked):
        yield from query[:count]


def _looked_at(rows: QuerySet[CouponEvent], looked_to: list[Key]) -> QuerySet[CouponEvent]:
    """The next MOST_LOOKED, along the index by time; how far they go is put into `looked_to`."""
    last = rows.values_list("at", "coupon_id", "version")[MOST_LOOKED - 1 : MOST_LOOKED].first()
    if last is None:
        return rows
    looked_to.append((last[0], 0, last[1], last[2]))
    return rows.filter(at__gte=last[0])


def _searched_steps(rows: QuerySet[CouponEvent], asked: Asked) -> list[QuerySet[CouponEvent]]:
    text = asked.text
    if not text:
        return [rows]
    if not asked.user:
        rows = rows.exclude(actor_kind=AuditActor.USER)
    found = [rows.filter(actor=text), rows.filter(request_id=text)]
    if asked.user and len(text.encode()) <= MAX_USER_BYTES:
        slots = Coupon.objects.filter(user=text).values_list("pk", flat=True)[:MOST_SLOTS]
        found.append(rows.filter(coupon_id__in=list(slots)))
    return found
