"""What a claim costs without Django: the thinnest WSGI application that does the same admission.

It verifies the HS256 token, calls `admit.lua` with the same arguments, and answers the same body,
by the product's own pure functions (`coupons.claims`); threads share round trips as the product's
do. Left out is all the rest: host check, limits, ids of clients, metrics, log, refusals' bodies,
recent admissions, languages, faults of Redis. No part of the product.
"""

import base64
import hmac
import os
import secrets
import socket
import time
from collections.abc import Callable
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import hiredis
import orjson

from coupons.claims import coupon_codes, holder_filter, receipt_tokens
from coupons.claims.campaign_keys import CampaignKey, campaign_key
from coupons.claims.timestamps import iso_of
from coupons.store import claimant_field
from coupons.store.admission import ADMIT
from coupons.store.group_commit import GroupCommit

READY_PATH = "/ready"
KNOWN_S = 1.0  # a campaign's definition is read again after so many seconds
BELL_MS = 1  # sends no wake-up message
TIMEOUT_S = 5
STATUSES = {b"admitted": "202 Accepted", b"already_claimed": "200 OK"}
SECRET = os.environ["JWT_HS256_SECRET"].encode()
ISSUER, AUDIENCE = os.environ["JWT_ISSUER"], os.environ["JWT_AUDIENCE"]
MASTERS = dict(pair.split(":") for pair in os.environ["COUPON_KEYS"].split(","))
Start = Callable[[str, list[tuple[str, str]]], object]


class Campaign:
    """What a claim needs of a campaign's definition, read from its gate."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self.slug, self.per_user = facts["slug"], facts["per_user"]
        self.blocks, self.valid_days = facts["filter_blocks"], facts["valid_days"]
        master = bytes.fromhex(MASTERS[facts["key_id"]])
        self.key: CampaignKey = campaign_key(facts["key_id"], master, self.slug)
        base = f"coupon:{{{self.slug}}}:"
        self.keys = [base + name for name in ("gate", "claimants", "queue", "bell", "filter")]
        self.known_until_s = time.monotonic() + KNOWN_S


class Redis:
    """One connection of this process, shared by its threads in groups."""

    def __init__(self) -> None:
        address = urlsplit(os.environ["REDIS_URL"])
        place = str(address.hostname), address.port or 6379
        self._socket = socket.create_connection(place, TIMEOUT_S)
        self._reader = hiredis.Reader()
        self.call = GroupCommit(self._exchange, timeout_s=TIMEOUT_S).call

    def close(self) -> None:
        self._socket.close()

    def _exchange(self, commands: list[bytes]) -> list[Any]:
        self._socket.sendall(b"".join(commands))
        return [self._reply() for _ in commands]

    def _reply(self) -> Any:
        while (reply := self._reader.gets()) is False:
            self._reader.feed(self._socket.recv(65_536))
        return reply


redis = Redis()
_campaigns: dict[str, Campaign] = {}
_prefix, _numbers = secrets.token_hex(5), count(1)


def application(environ: dict[str, Any], start_response: Start) -> list[bytes]:
    path = environ["PATH_INFO"]
    if path == READY_PATH:
        return _respond(start_response, "200 OK", b"{}")
    user = authenticated_user(environ["HTTP_AUTHORIZATION"].removeprefix("Bearer "))
    if user is None:
        return _respond(start_response, "401 Unauthorized", b"{}")
    nth = orjson.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))).get("nth", 1)
    campaign = find_campaign(path.split("/")[4])
    outcome, place, at_ms = admit(campaign, user, nth)
    if not place:
        return _respond(start_response, "409 Conflict", b"{}", outcome)
    body = orjson.dumps(claim_body(campaign, user, nth, place, at_ms))
    return _respond(start_response, STATUSES[outcome], body, outcome)


def authenticated_user(token: str) -> str | None:
    """The subject of a valid token."""
    signed, _, signature = token.encode().rpartition(b".")
    if not hmac.compare_digest(hmac.digest(SECRET, signed, "sha256"), _decoded(signature)):
        return None
    claims = orjson.loads(_decoded(signed.partition(b".")[2]))
    right = claims["iss"] == ISSUER and claims["aud"] == AUDIENCE and claims["exp"] > time.time()
    return str(claims["sub"]) if right else None


def _decoded(segment: bytes) -> bytes:
    return base64.urlsafe_b64decode(segment + b"=" * (-len(segment) % 4))


def find_campaign(slug: str) -> Campaign:
    known = _campaigns.get(slug)
    if known is None or known.known_until_s < time.monotonic():
        facts = redis.call(_packed("HGET", f"coupon:{{{slug}}}:gate", "facts"))
        known = _campaigns[slug] = Campaign(orjson.loads(facts))
    return known


def admit(campaign: Campaign, user: str, nth: int) -> tuple[bytes, int, int]:
    """Outcome, place and moment (ms)."""
    field = claimant_field.encode_field(user, nth, campaign.per_user)
    bits = holder_filter.bit_positions(field, campaign.blocks)
    request = f"{_prefix}-{next(_numbers):x}"
    command = _packed(
        "EVALSHA", ADMIT.sha, len(campaign.keys), *campaign.keys,
        field, user, nth, BELL_MS, 0, *bits, request,
    )  # fmt: skip
    outcome, place, at_ms, *_ = redis.call(command)
    return outcome, place, at_ms


def _packed(*words: Any) -> bytes:
    return bytes(hiredis.pack_command(words))


def claim_body(campaign: Campaign, user: str, nth: int, place: int, at_ms: int) -> dict[str, Any]:
    code = coupon_codes.coupon_code(campaign.key, user, nth, place)
    return {
        "campaign": campaign.slug,
        "nth": nth,
        "place": place,
        "code": coupon_codes.grouped_code(code),
        "receipt": receipt_tokens.sign_receipt(
            campaign.key, campaign.slug, user, nth, place, at_ms
        ),
        "admitted_at": iso_of(at_ms),
        "expires_at": iso_of(at_ms + campaign.valid_days * 86_400_000),
        "status_url": f"/api/v1/campaigns/{campaign.slug}/claims/me",
    }


def _respond(start: Start, status: str, body: bytes, outcome: bytes = b"") -> list[bytes]:
    size = ("Content-Length", str(len(body)))
    named = ("Coupon-Outcome", outcome.decode())
    start(status, [("Content-Type", "application/json"), size, named])
    return [body]
