"""Peer D: a fast design with common async tools: FastAPI, uvicorn, redis.asyncio.

The same admission script (read from the product's file), keys, token check and coupon code; its
claims are drained by the product's own worker. No receipt, which is to its advantage.
"""

import base64
import hmac
import os
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import count
from pathlib import Path
from typing import Annotated, Any

import jwt
import orjson
import redis.asyncio
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from prometheus_client import CollectorRegistry, Counter, generate_latest, multiprocess
from redis.exceptions import RedisError

ADMIT = (Path(__file__).parents[2] / "coupons/store/lua/admit.lua").read_text()
SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
TO_SYMBOLS = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", SYMBOLS.encode())
STATUSES = {"admitted": 202, "already_claimed": 200, "sold_out": 409, "not_open": 409,
            "closed": 410, "paused": 503, "not_installed": 503, "queue_full": 503}  # fmt: skip
FACTS_TTL_S = 1.0
BLOCK = 512  # bits of the filter that the script keeps
BELL_MS = 1  # it sends no wake-up message: beat's next sweep finds the claims
PROCESS, NUMBERS = secrets.token_hex(5), count(1)  # parts of a request id
CLAIMS = Counter("peer_claims_total", "Claims answered.", ["campaign", "outcome"])

JWKS_FILE = os.environ.get("JWT_JWKS_FILE")
PUBLIC_KEYS = (
    {key.key_id: key for key in jwt.PyJWKSet.from_json(Path(JWKS_FILE).read_text()).keys}
    if JWKS_FILE
    else {}
)

client = redis.asyncio.Redis.from_url(
    os.environ["REDIS_URL"], socket_timeout=0.3, socket_connect_timeout=0.3, protocol=2
)
admit = client.register_script(ADMIT)


@dataclass(frozen=True, slots=True)
class Snapshot:
    slug: str
    stock: int
    opens_ms: int
    filter_blocks: int
    code_key: bytes


_snapshots: dict[str, tuple[float, Snapshot]] = {}


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    await client.aclose()


app = FastAPI(lifespan=lifespan)
bearer = HTTPBearer()


async def authenticate_user(
    credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)],
) -> str:
    try:
        claims = jwt.decode(
            credentials.credentials,
            verification_key(credentials.credentials),
            algorithms=["RS256", "ES256"] if PUBLIC_KEYS else ["HS256"],
            audience=os.environ["JWT_AUDIENCE"],
            issuer=os.environ["JWT_ISSUER"],
            leeway=5,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
    except (jwt.PyJWTError, KeyError) as error:
        raise HTTPException(401, str(error)) from None
    return str(claims["sub"])


def verification_key(token: str) -> Any:
    """As a usual application takes it: by `kid`, prepared once."""
    if not PUBLIC_KEYS:
        return os.environ["JWT_HS256_SECRET"]
    return PUBLIC_KEYS[jwt.get_unverified_header(token)["kid"]]


@app.exception_handler(RedisError)
async def redis_unavailable(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"code": "store_away"}, 503, {"Retry-After": "2"})


@app.post("/api/v1/campaigns/{slug}/claims")
async def create_claim(slug: str, user: Annotated[str, Depends(authenticate_user)]) -> Response:
    campaign = await find_snapshot(slug)
    field, base = user.encode(), f"coupon:{{{slug}}}:"  # a line of Locust has short names
    first, second = filter_positions(field, campaign.filter_blocks)
    outcome_bytes, place, at_ms, *_ = await admit(
        keys=[base + "gate", base + "claimants", base + "queue", base + "bell", base + "filter"],
        args=[field, field, 1, BELL_MS, 0, first, second, f"{PROCESS}-{next(NUMBERS):x}"],
    )
    outcome = outcome_bytes.decode()
    CLAIMS.labels(slug, outcome).inc()
    return claim_response(campaign, user, outcome, place, at_ms)


def filter_positions(field: bytes, blocks: int) -> tuple[int, int]:
    both = int.from_bytes(blake2b(field, digest_size=8).digest())
    block = (both >> 32) % blocks * BLOCK
    return block + (both & 511), block + (both >> 9 & 511)


def claim_response(campaign: Snapshot, user: str, outcome: str, place: int, at_ms: int) -> Response:
    body: dict[str, Any] = {"code": outcome}
    if place:
        body = {
            "campaign": campaign.slug,
            "place": place,
            "code": coupon_code(campaign.code_key, user, place),
            "admitted_at": iso_timestamp(at_ms),
            "status_url": f"/api/v1/campaigns/{campaign.slug}/claims/me",
        }
    return Response(
        orjson.dumps(body), STATUSES[outcome], {"Coupon-Outcome": outcome}, "application/json"
    )


@app.get("/api/v1/campaigns/{slug}")
async def show_campaign(slug: str) -> Response:
    campaign = await find_snapshot(slug)
    seconds, micros = await client.time()
    body = {
        "campaign": slug,
        "stock": campaign.stock,
        "opens_at": iso_timestamp(campaign.opens_ms),
        "server_time": iso_timestamp(int(seconds) * 1000 + int(micros) // 1000),
    }
    return Response(orjson.dumps(body), media_type="application/json")


@app.get("/metrics")
async def show_metrics() -> Response:
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry), media_type="text/plain")


async def find_snapshot(slug: str) -> Snapshot:
    """The definition from the product's gate, at most a second old."""
    until, known = _snapshots.get(slug, (0.0, None))
    if known is None or until < time.monotonic():
        raw: Any = await client.hget(f"coupon:{{{slug}}}:gate", "facts")  # type: ignore[misc]
        if raw is None:
            raise HTTPException(404, "There is no such campaign.")
        known = _read_snapshot(slug, orjson.loads(raw))
        _snapshots[slug] = (time.monotonic() + FACTS_TTL_S, known)
    return known


def _read_snapshot(slug: str, fields: dict[str, Any]) -> Snapshot:
    master = dict(part.split(":") for part in os.environ["COUPON_KEYS"].split(","))
    key = bytes.fromhex(master[fields["key_id"]])
    code_key = hmac.digest(key, b"code/" + slug.encode(), "sha256")
    return Snapshot(slug, fields["stock"], fields["opens_ms"], fields["filter_blocks"], code_key)


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
