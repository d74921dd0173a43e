"""What the peers D and E share: the product's admission script (read from its file) with its keys
and arguments, its coupon code, and the check of a token by PyJWT. No receipt, which is to their
advantage.
"""

import base64
import hmac
import os
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import count
from pathlib import Path
from typing import Any

import jwt
import orjson
from prometheus_client import CollectorRegistry, Counter, generate_latest, multiprocess

ADMIT = (Path(__file__).parents[2] / "coupons/store/lua/admit.lua").read_text()
SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
TO_SYMBOLS = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", SYMBOLS.encode())
STATUSES = {"admitted": 202, "already_claimed": 200, "sold_out": 409, "not_open": 409,
            "closed": 410, "paused": 503, "not_installed": 503, "queue_full": 503}  # fmt: skip
FACTS_TTL_S = 1.0
BLOCK = 512  # bits of the filter that the script keeps
BELL_MS = 1  # they send no wake-up message: beat's next sweep finds the claims
PROCESS, NUMBERS = secrets.token_hex(5), count(1)  # parts of a request id
CLAIMS = Counter("peer_claims_total", "Claims answered.", ["campaign", "outcome"])

JWKS_FILE = os.environ.get("JWT_JWKS_FILE")
PUBLIC_KEYS: dict[str | None, Any] = (
    {key.key_id: key for key in jwt.PyJWKSet.from_json(Path(JWKS_FILE).read_text()).keys}
    if JWKS_FILE
    else {}
)


class BadToken(Exception):
    """The token is not valid."""


def verify_with_pyjwt(token: str) -> str:
    """The subject of a valid token. Raises BadToken."""
    try:
        claims = jwt.decode(
            token,
            _verification_key(token),
            algorithms=["RS256", "ES256"] if PUBLIC_KEYS else ["HS256"],
            audience=os.environ["JWT_AUDIENCE"],
            issuer=os.environ["JWT_ISSUER"],
            leeway=5,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
    except (jwt.PyJWTError, KeyError) as error:
        raise BadToken(str(error)) from None
    return str(claims["sub"])


def _verification_key(token: str) -> Any:
    """As a usual application takes it: by `kid`, prepared once."""
    if not PUBLIC_KEYS:
        return os.environ["JWT_HS256_SECRET"]
    return PUBLIC_KEYS[jwt.get_unverified_header(token)["kid"]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A campaign's definition; `until_s`: when it is read again, by the monotonic clock."""

    slug: str
    stock: int
    opens_ms: int
    filter_blocks: int
    code_key: bytes
    until_s: float


_snapshots: dict[str, Snapshot] = {}


def known_snapshot(slug: str) -> Snapshot | None:
    """The definition if it was read within the last second."""
    known = _snapshots.get(slug)
    return known if known is not None and known.until_s > time.monotonic() else None


def keep_snapshot(slug: str, facts: bytes) -> Snapshot:
    """From the member `facts` of the product's gate."""
    fields = orjson.loads(facts)
    master = dict(part.split(":") for part in os.environ["COUPON_KEYS"].split(","))
    key = bytes.fromhex(master[fields["key_id"]])
    known = _snapshots[slug] = Snapshot(
        slug, fields["stock"], fields["opens_ms"], fields["filter_blocks"],
        hmac.digest(key, b"code/" + slug.encode(), "sha256"), time.monotonic() + FACTS_TTL_S,
    )  # fmt: skip
    return known


def gate_key(slug: str) -> str:
    return f"coupon:{{{slug}}}:gate"


@dataclass(frozen=True, slots=True)
class ScriptCall:
    """A call of `admit.lua`."""

    keys: list[str]
    args: list[Any]


def admission_call(campaign: Snapshot, user: str) -> ScriptCall:
    field, base = user.encode(), f"coupon:{{{campaign.slug}}}:"  # Locust's people have short names
    first, second = _filter_positions(field, campaign.filter_blocks)
    return ScriptCall(
        keys=[base + "gate", base + "claimants", base + "queue", base + "bell", base + "filter"],
        args=[field, field, 1, BELL_MS, 0, first, second, f"{PROCESS}-{next(NUMBERS):x}"],
    )


def _filter_positions(field: bytes, blocks: int) -> tuple[int, int]:
    both = int.from_bytes(blake2b(field, digest_size=8).digest())
    block = (both >> 32) % blocks * BLOCK
    return block + (both & 511), block + (both >> 9 & 511)


def answer_claim(campaign: Snapshot, user: str, reply: list[Any]) -> tuple[int, str, bytes]:
    """Status, outcome and body for the script's reply. Counts the claim."""
    outcome, place, at_ms = reply[0].decode(), reply[1], reply[2]
    CLAIMS.labels(campaign.slug, outcome).inc()
    body: dict[str, Any] = {"code": outcome}
    if place:
        body = {
            "campaign": campaign.slug,
            "place": place,
            "code": coupon_code(campaign.code_key, user, place),
            "admitted_at": iso_timestamp(at_ms),
            "status_url": f"/api/v1/campaigns/{campaign.slug}/claims/me",
        }
    return STATUSES[outcome], outcome, orjson.dumps(body)


def campaign_body(campaign: Snapshot, clock: Any) -> bytes:
    """The campaign's page; `clock`: Redis' reply to TIME."""
    now_ms = int(clock[0]) * 1000 + int(clock[1]) // 1000
    return orjson.dumps({
        "campaign": campaign.slug,
        "stock": campaign.stock,
        "opens_at": iso_timestamp(campaign.opens_ms),
        "server_time": iso_timestamp(now_ms),
    })  # fmt: skip


def metrics_text() -> bytes:
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def coupon_code(key: bytes, user: str, place: int) -> str:
    """The coupon code of the product's contract: 75 bits in base 32 and a check symbol."""
    digest = hmac.digest(key, f"1/{place}/{user}".encode(), "sha256")[:10]
    body = base64.b32encode(digest).translate(TO_SYMBOLS)[:15].decode()
    total = 0
    for position, symbol in enumerate(reversed(body)):
        value = SYMBOLS.index(symbol)
        total += value if position % 2 else 2 * value // 32 + 2 * value % 32
    whole = body + SYMBOLS[-total % 32]
    return "-".join(whole[i : i + 4] for i in range(0, 16, 4))


def iso_timestamp(ms: int) -> str:
    moment = datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")
    return moment.replace("+00:00", "Z")
