"""Peer D: a fast design with common async tools: FastAPI, uvicorn, redis.asyncio.

The same admission script, keys, token check and coupon code (`peer_admission`); its claims are
drained by the product's own worker.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import peer_admission
import redis.asyncio
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from peer_admission import Snapshot
from redis.exceptions import RedisError

client = redis.asyncio.Redis.from_url(
    os.environ["REDIS_URL"], socket_timeout=0.3, socket_connect_timeout=0.3, protocol=2
)
admit = client.register_script(peer_admission.ADMIT)


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
        return peer_admission.verify_with_pyjwt(credentials.credentials)
    except peer_admission.BadToken as error:
        raise HTTPException(401, str(error)) from None


@app.exception_handler(RedisError)
async def redis_unavailable(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"code": "store_away"}, 503, {"Retry-After": "2"})


@app.post("/api/v1/campaigns/{slug}/claims")
async def create_claim(slug: str, user: Annotated[str, Depends(authenticate_user)]) -> Response:
    campaign = await find_snapshot(slug)
    call = peer_admission.admission_call(campaign, user)
    reply = await admit(keys=call.keys, args=call.args)
    status, outcome, body = peer_admission.answer_claim(campaign, user, reply)
    return Response(body, status, {"Coupon-Outcome": outcome}, "application/json")


@app.get("/api/v1/campaigns/{slug}")
async def show_campaign(slug: str) -> Response:
    campaign = await find_snapshot(slug)
    body = peer_admission.campaign_body(campaign, await client.time())
    return Response(body, media_type="application/json")


@app.get("/metrics")
async def show_metrics() -> Response:
    return Response(peer_admission.metrics_text(), media_type="text/plain")


async def find_snapshot(slug: str) -> Snapshot:
    """The definition from the product's gate, at most a second old."""
    if (known := peer_admission.known_snapshot(slug)) is not None:
        return known
    raw: Any = await client.hget(peer_admission.gate_key(slug), "facts")  # type: ignore[misc]
    if raw is None:
        raise HTTPException(404, "There is no such campaign.")
    return peer_admission.keep_snapshot(slug, raw)
