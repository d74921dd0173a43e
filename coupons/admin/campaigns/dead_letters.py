"""Parked claims as the admin shows them."""

import re
from dataclasses import dataclass

from coupons.admin.formatting import exact_ms
from coupons.audit import labels
from coupons.store import Entry, store

PAGE = 100
ENTRY_ID = re.compile(r"\d{1,20}-\d{1,20}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Parked:
    """A parked claim. Texts are unchanged from the entry, so that unreadable ones are shown too."""

    id: str
    entry: str
    place: str
    user: str
    nth: str
    admitted_at: str
    reason: str
    why: str


def parked_claims_page(slug: str, *, after: str) -> tuple[list[Parked], str]:
    """A page of entries after the id `after`, and the last one's id if there are more (else "").
    Raises StoreAway."""
    after = after if ENTRY_ID.fullmatch(after) else ""
    entries = store().queue.parked_entries(slug, after=after, count=PAGE + 1)
    more = entries[PAGE - 1].id if len(entries) > PAGE else ""
    return [_parked(entry) for entry in entries[:PAGE]], more


def _parked(entry: Entry) -> Parked:
    fields = {name: value.decode(errors="replace") for name, value in entry.fields.items()}
    reason = fields.get(b"reason", "")
    return Parked(
        id=entry.id,
        entry=fields.get(b"entry", ""),
        place=fields.get(b"p", ""),
        user=fields.get(b"u", ""),
        nth=fields.get(b"n", ""),
        admitted_at=_moment(fields.get(b"t", "")),
        reason=reason,
        why=labels.reason_label(reason),
    )


def _moment(ms: str) -> str:
    try:
        return exact_ms(int(ms))
    except (ValueError, OverflowError, OSError):
        return ms
