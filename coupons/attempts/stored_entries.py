"""The packed entries of a bucket in MySQL, and how those of Redis are added to them.

Of a user and outcome there are two entries at most: the latest one, which Redis may still have, and
the sum of all before it. A latest one that comes again has the same first moment, so that moving
twice, after a crash between the two stores, counts nothing twice.
"""

from collections.abc import Iterable, Iterator, Mapping

from coupons.claims.packed_refusals import (
    BUCKET_ENTRIES,
    KEY_BYTES,
    VALUE_BYTES,
    Refusal,
    add_refusals,
    pack_refusal,
    unpack_refusal,
)

MOST_STORED = 2 * BUCKET_ENTRIES  # of a bucket
_BYTES = KEY_BYTES + VALUE_BYTES


def add_entries(stored: bytes, fresh: Mapping[bytes, bytes]) -> tuple[bytes, int]:
    """The bucket with these entries of Redis, and how many had no room. What is no entry is left
    out."""
    by_key: dict[bytes, list[bytes]] = {}
    for key, value in _pairs(stored):
        by_key.setdefault(key, []).append(value)
    count, full = len(stored) // _BYTES, 0
    for key, value in fresh.items():
        known = by_key.get(key)
        if not _is_entry(key, value):
            continue
        if known is None and count >= MOST_STORED:
            full += 1
            continue
        by_key[key] = _with_latest(key, known or [], value)
        count += len(by_key[key]) - len(known or ())
    return b"".join(key + value for key, values in by_key.items() for value in values), full


def _with_latest(key: bytes, known: list[bytes], value: bytes) -> list[bytes]:
    if not known:
        return [value]
    latest, fresh = unpack_refusal(key, known[-1]), unpack_refusal(key, value)
    if latest.first_ms == fresh.first_ms:
        return [*known[:-1], value if fresh.count >= latest.count else known[-1]]
    return [pack_refusal(_sum(key, known)), value]


def _sum(key: bytes, values: Iterable[bytes]) -> Refusal:
    first, *others = (unpack_refusal(key, value) for value in values)
    for other in others:
        first = add_refusals(first, other)
    return first


def entries_of(stored: bytes, digest: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of each entry of one user."""
    return ((key, value) for key, value in _pairs(stored) if key.startswith(digest))


def _pairs(stored: bytes) -> Iterator[tuple[bytes, bytes]]:
    for start in range(0, len(stored) - _BYTES + 1, _BYTES):
        key = stored[start : start + KEY_BYTES]
        yield key, stored[start + KEY_BYTES : start + _BYTES]


def _is_entry(key: bytes, value: bytes) -> bool:
    try:
        unpack_refusal(key, value)
    except ValueError:
        return False
    return True
