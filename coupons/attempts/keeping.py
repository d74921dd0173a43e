"""From the notes of a process to entries in Redis: the sink of `observability.refusal_notes`.

It runs on that module's thread. Repeated refusals of one user are one entry before they are sent;
of more users than NOTED_PER_FLUSH in half a second a random sample is kept. A refusal that no store
has dated is dated here, by Redis' clock and the monotonic time since then. While Redis is away the
notes wait in their buffer, so that "it was away" can be answered later.
"""

import random
import time
from collections.abc import Iterable, Sequence

from coupons.attempts import room
from coupons.campaigns import lookup
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims import packed_refusals
from coupons.claims.hot_settings import settings
from coupons.claims.packed_refusals import Refusal, add_refusals
from coupons.errors import CouponError, DatabaseAway, StoreFailure
from coupons.identity import user_tokens
from coupons.observability import refusal_notes, stranger_metrics
from coupons.observability.refusal_notes import EVERY_S, Note, Notes, Shed
from coupons.store import store
from coupons.store.refusals import ENTRIES_A_CALL, Entry

NOTED_AFTER_CLOSE_MS = 7 * 86_400_000  # later ones are told "it is over", and not noted
SHED_A_FLUSH = 50  # tokens of refused requests that are verified in half a second


def keep_refusals(slug: str, notes: Notes) -> bool:
    """Add a campaign's notes to those in Redis. False: nothing was written since a store is away,
    keep them. Never raises a CouponError: notes whose call fails are counted as lost, because they
    may have been written."""
    try:
        campaign = lookup.find_snapshot(slug)
        now_ms, now_s = store().server.now_ms(), time.monotonic()
        has_room = room.has_room()
    except (StoreFailure, DatabaseAway):
        return False
    except CouponError:  # the campaign is gone
        return True
    try:
        _keep(campaign, notes, has_room=has_room, now_ms=now_ms, now_s=now_s)
    except StoreFailure:
        _count_lost(len(notes.notes) + notes.lost)
    return True


def _keep(
    campaign: CampaignSnapshot, notes: Notes, *, has_room: bool, now_ms: int, now_s: float
) -> None:
    if now_ms > campaign.closes_ms + NOTED_AFTER_CLOSE_MS:
        return
    merged = _merge_notes(notes.notes, now_ms, now_s)
    chosen = _choose_entries(merged) if has_room else {}
    left_out = sum(_count(kept) for key, kept in merged.items() if key not in chosen)
    entries = [_entry(campaign, *key, kept) for key, kept in chosen.items()]
    made, lost = len(notes.notes) + notes.lost, notes.lost
    for first in range(0, max(1, len(entries)), ENTRIES_A_CALL):
        store().refusals.note_refusals(
            campaign.slug,
            entries[first : first + ENTRIES_A_CALL],
            made=made, left_out=left_out, lost=lost, now_ms=now_ms,
        )  # fmt: skip
        made = left_out = lost = 0  # counted with the first call
    stranger_metrics.REFUSALS_NOT_NOTED.labels("sampled").inc(left_out)
    stranger_metrics.REFUSALS_NOT_NOTED.labels("lost").inc(notes.lost)


_Merged = dict[tuple[str, str], Refusal | Note]  # by user and outcome; one note is left as it is


def _merge_notes(notes: Iterable[Note], now_ms: int, now_s: float) -> _Merged:
    merged: _Merged = {}
    for note in notes:
        user, _, outcome, at_ms, *_, noted_s = note
        if not at_ms:
            note = (*note[:3], now_ms - round(1000 * (now_s - noted_s)), *note[4:])
        key = user, outcome
        known = merged.get(key)
        merged[key] = note if known is None else add_refusals(_refusal(known), _refusal(note))
    return merged


def _refusal(kept: Refusal | Note) -> Refusal:
    if isinstance(kept, Refusal):
        return kept
    _, nth, outcome, at_ms, last_place_ms, request, _ = kept
    late_ms = None if last_place_ms is None else at_ms - last_place_ms
    return Refusal(
        outcome, at_ms, at_ms, 1, nth, late_first_ms=late_ms, late_last_ms=late_ms, request=request
    )


def _count(kept: Refusal | Note) -> int:
    return kept.count if isinstance(kept, Refusal) else 1


def _choose_entries(merged: _Merged) -> _Merged:
    """All of them, or a random sample of as many as the rate allows."""
    most = round(settings.REFUSALS_NOTED_PER_S * EVERY_S)
    if len(merged) <= most:
        return merged
    return dict(random.sample(list(merged.items()), most))


def _entry(campaign: CampaignSnapshot, user: str, outcome: str, kept: Refusal | Note) -> Entry:
    bucket, digest = packed_refusals.user_digest(campaign.key.refusals, user)
    if isinstance(kept, Refusal):
        value = packed_refusals.pack_refusal(kept)
    else:
        _, nth, _, at_ms, last_place_ms, request, _ = kept
        value = packed_refusals.pack_single(at_ms, nth, last_place_ms, request)
    return Entry(bucket, packed_refusals.entry_key(digest, outcome), value)


def keep_shed(shed: Sequence[Shed]) -> None:
    """Note claims that were refused unread for the users of their tokens. Of more than
    SHED_A_FLUSH a random sample is read: the process is overloaded."""
    for one in random.sample(shed, min(len(shed), SHED_A_FLUSH)):
        scheme, _, token = one.authorization.partition(" ")
        if scheme.lower() != "bearer":
            continue
        try:
            user = user_tokens.verify_token(token.lstrip(" ")).user
            lookup.find_public(one.campaign)
        except (CouponError, OSError, ValueError):
            continue
        refusal_notes.note_refusal(one.campaign, user, 0, "overloaded")


def _count_lost(count: int) -> None:
    stranger_metrics.REFUSALS_NOT_NOTED.labels("lost").inc(count)
