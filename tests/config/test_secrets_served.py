"""13.5: the secrets of `test_secrets`, with a real server in production mode."""

import json
import secrets
import time
from http.client import HTTPConnection
from pathlib import Path

import jwt
import pytest

from config.development.process import commands
from config.development.process.programs import Program
from tests.config.test_secrets import GOOD, LOCAL_JWT
from tests.config.test_settings import PRODUCTION
from tests.conftest import CampaignMaker
from tests.harness import servers
from tests.harness.servers import free_port


def _claim_status(port: int, secret: str) -> int:
    claims = {"sub": "mina", "iss": PRODUCTION["JWT_ISSUER"], "aud": "coupons",
            "iat": int(time.time()), "exp": int(time.time()) + 600}  # fmt: skip
    token = jwt.encode(claims, secret, algorithm="HS256")
    wire = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        headers = {"Authorization": f"Bearer {token}", "Host": PRODUCTION["ALLOWED_HOSTS"],
                   "X-Forwarded-Proto": "https"}  # fmt: skip
        wire.request("POST", "/api/v1/campaigns/sale/claims", headers=headers)
        answer = wire.getresponse()
        assert json.loads(answer.read())
        return answer.status
    finally:
        wire.close()


def _first_status(server: Program, port: int, secret: str) -> int | None:
    """The status of a request, or None if the server ended before it answered."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if server.status is not None:
            return None
        try:
            return _claim_status(port, secret)
        except OSError:
            time.sleep(0.1)
    raise AssertionError("neither an answer nor an end")


@pytest.mark.parametrize("named", [LOCAL_JWT, GOOD], ids=["laptop's", "own"])
def test_13_5_a_granian_in_production_never_accepts_a_token_signed_with_the_local_default(
    named: str, child_environment: dict[str, str], open_campaign: CampaignMaker, tmp_path: Path
) -> None:
    """With the local secret it does not start; with its own it starts, and refuses that token."""
    open_campaign()
    stores = {name: child_environment[name] for name in ("DATABASE_URL", "REDIS_URL")}
    given = child_environment | PRODUCTION | stores | {
        "DOOR": "users", "CELERY_BROKER_URL": stores["REDIS_URL"], "JWT_HS256_SECRET": named,
        "COUPON_KEYS": f"local:{secrets.token_hex(32)}",
    }  # fmt: skip
    port = free_port()
    command, log = commands.granian_command(port, "--blocking-threads", "4"), tmp_path / "log"
    with servers.start_program(command, log=log, env=given) as server:
        answered = _first_status(server, port, LOCAL_JWT)
        logged = log.read_text()
        if named == LOCAL_JWT:
            assert answered is None
            assert "JWT_HS256_SECRET is in our published source" in logged
            assert LOCAL_JWT not in logged
        else:
            assert answered == 401, logged
            assert _claim_status(port, GOOD) == 202
