"""A refused user's entry: 9 bytes of key, 48 bytes of value. Packed as `note.lua` reads it.

The key is a hash of the user under a key of the campaign (the rest of the same hash chooses the
bucket) and the outcome's number, so that an entry names nobody, and all refusals of one user for
one reason are one entry: the first, the last, and how many.
"""

import re
import struct
import uuid
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import blake2b

BUCKETS = 16_384  # a million users fill each to a half
BUCKET_ENTRIES = 128  # Redis keeps a hash of so many small entries without an index: 60 bytes each
KEY_BYTES, VALUE_BYTES = 9, 48
UNKNOWN = 0xFFFF_FFFF
MOST_COUNTED = 0xFFFF_FFFE

# first ms (2 + 4 bytes), last ms after the first, count, nth, places given, users before, late
# first, late last (ms after the last place), form of the request id, request id
_VALUE = struct.Struct(">HIIIBIIIIB16s")
_OUR_REQUEST = re.compile(r"([0-9a-f]{10})-(0|[1-9a-f][0-9a-f]{0,11})", re.ASCII)
_UUID_REQUEST = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_OURS = 1  # forms of a request id: `prefix-number` of our processes, a UUID, the first 16 bytes
_UUID = 2
_CUT = 3
_WHOLE = 4


class Decider(StrEnum):
    """What decided that a claim was refused."""

    WINDOW = "window"
    STOCK = "stock"
    ELIGIBILITY = "eligibility"
    LIMIT = "limit"
    LOAD = "load"
    FAULT = "fault"


# Outcomes and codes of failures, in the order of their numbers: only ever added to.
_DECIDERS = {
    "other": Decider.FAULT,
    "sold_out": Decider.STOCK,
    "not_open": Decider.WINDOW,
    "closed": Decider.WINDOW,
    "paused": Decider.WINDOW,
    "not_eligible": Decider.ELIGIBILITY,
    "too_many_requests": Decider.LIMIT,
    "overloaded": Decider.LOAD,
    "queue_full": Decider.LOAD,
    "store_away": Decider.FAULT,
    "store_error": Decider.FAULT,
    "database_away": Decider.FAULT,
    "closed_for_repair": Decider.FAULT,
    "outcome_unknown": Decider.FAULT,
    "key_missing": Decider.FAULT,
}
_NAMES = tuple(_DECIDERS)
_NUMBERS = {name: number for number, name in enumerate(_NAMES)}
_KEY_ENDS = {name: bytes((number,)) for name, number in _NUMBERS.items()}
SOLD_OUT = _NUMBERS["sold_out"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """All refusals of one user with one outcome. Times in ms of the deciding store's clock.

    `nth`, `places_given`, `users_before`, `late_first_ms` and `request` are of the first; None or
    empty: not known. `users_before`: how many others had been refused by then, since the stock was
    gone, as far as they are kept."""

    outcome: str
    first_ms: int
    last_ms: int
    count: int = 1
    nth: int = 0
    places_given: int | None = None
    users_before: int | None = None
    late_first_ms: int | None = None
    late_last_ms: int | None = None
    request: str = ""

    @property
    def decider(self) -> Decider:
        return _DECIDERS[self.outcome]

    @property
    def last_place_ms(self) -> int | None:
        """When the last place was given, as the last of these refusals was told."""
        return None if self.late_last_ms is None else self.last_ms - self.late_last_ms


def user_digest(key: bytes, user: str) -> tuple[int, bytes]:
    """(bucket, 8 bytes) of a user, under the campaign's key (BLAKE2b with a key, RFC 7693)."""
    digest = blake2b(user.encode(), key=key, digest_size=10).digest()
    return ((digest[0] << 8) | digest[1]) % BUCKETS, digest[2:10]


def entry_key(digest: bytes, outcome: str) -> bytes:
    return digest + _KEY_ENDS.get(outcome, b"\0")


def pack_refusal(refusal: Refusal) -> bytes:
    """Numbers that are out of range are cut to it."""
    form, request = _packed_request(refusal.request)
    first_ms = min(max(refusal.first_ms, 0), 0xFFFF_FFFF_FFFF)
    return _VALUE.pack(
        first_ms >> 32,
        first_ms & 0xFFFF_FFFF,
        _bounded(refusal.last_ms - first_ms),
        _bounded(refusal.count),
        min(refusal.nth, 255),
        _optional(refusal.places_given),
        _optional(refusal.users_before),
        _optional(refusal.late_first_ms),
        _optional(refusal.late_last_ms),
        form,
        request,
    )


def pack_single(at_ms: int, nth: int, last_place_ms: int | None, request: str) -> bytes:
    """The same of one refusal, as nearly all are: half the time of `pack_refusal`."""
    form, packed = _packed_request(request)
    late_ms = UNKNOWN if last_place_ms is None else _bounded(at_ms - last_place_ms)
    return _VALUE.pack(
        (at_ms >> 32) & 0xFFFF, at_ms & 0xFFFF_FFFF, 0, 1, min(nth, 255), UNKNOWN, UNKNOWN,
        late_ms, late_ms, form, packed,
    )  # fmt: skip


def unpack_refusal(key: bytes, value: bytes) -> Refusal:
    """Raises ValueError for what is no entry."""
    if len(key) != KEY_BYTES or len(value) != VALUE_BYTES or key[8] >= len(_NAMES):
        raise ValueError("not a packed refusal")
    high, low, after_ms, count, nth, *numbers, form, request = _VALUE.unpack(value)
    given, before, late_first, late_last = (None if one == UNKNOWN else one for one in numbers)
    first_ms = (high << 32) + low
    return Refusal(
        _NAMES[key[8]], first_ms, first_ms + after_ms, count, nth, given, before,
        late_first, late_last, _request_of(form, request),
    )  # fmt: skip


def add_refusals(one: Refusal, other: Refusal) -> Refusal:
    """Two entries of the same user and outcome as one. In any order."""
    first, second = sorted((one, other), key=lambda refusal: (refusal.first_ms, refusal.last_ms))
    last = max((first, second), key=lambda refusal: refusal.last_ms)
    return replace(
        first,
        last_ms=last.last_ms,
        count=min(first.count + second.count, MOST_COUNTED),
        late_last_ms=last.late_last_ms,
    )


def _bounded(number: int) -> int:
    return min(max(number, 0), MOST_COUNTED)


def _optional(number: int | None) -> int:
    return UNKNOWN if number is None else _bounded(number)


def _packed_request(request: str) -> tuple[int, bytes]:
    if ours := _OUR_REQUEST.fullmatch(request):
        return _OURS, bytes.fromhex(ours[1]) + int(ours[2], 16).to_bytes(6) + bytes(5)
    if _UUID_REQUEST.fullmatch(request):
        return _UUID, uuid.UUID(request).bytes
    raw = request.encode()
    return (_WHOLE, raw) if len(raw) <= 16 else (_CUT, raw[:16])


def _request_of(form: int, packed: bytes) -> str:
    if form == _OURS:
        return f"{packed[:5].hex()}-{int.from_bytes(packed[5:11]):x}"
    if form == _UUID:
        return str(uuid.UUID(bytes=packed))
    text = packed.rstrip(b"\0").decode(errors="replace")
    return f"{text}…" if form == _CUT else text
