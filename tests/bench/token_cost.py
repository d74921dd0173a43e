"""What tokens of identity providers cost: their verification, and a claim with one ÷ with HS256."""

import json
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from statistics import median
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from django.conf import settings
from django.db import connections
from django.test import override_settings

from config.wsgi import application
from coupons.identity import keys_in_force, user_tokens
from tests.bench import bench_campaigns, bench_users, claim_cpu
from tests.bench.figures import Figure
from tests.bench.paired_rounds import Block, Pairs, interleave_blocks
from tests.bench.sample_sizes import Size

_KEYS: dict[str, Callable[[], Any]] = {
    "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}


class Issuer:
    """An identity provider: a key pair, and a file with its public key."""

    def __init__(self, algorithm: str, folder: Path) -> None:
        self.algorithm, self._key = algorithm, _KEYS[algorithm]()
        jwk = json.loads(jwt.get_algorithm_by_name(algorithm).to_jwk(self._key.public_key()))
        self.file = folder / f"{algorithm}.json"
        self.file.write_text(json.dumps({"keys": [jwk | {"kid": "bench-1", "use": "sig"}]}))

    def sign(self, user: str) -> str:
        claims = {
            "iss": settings.JWT_ISSUER, "aud": settings.JWT_AUDIENCE, "sub": user,
            "exp": int(time.time()) + bench_users.LIFETIME_S,
        }  # fmt: skip
        return jwt.encode(claims, self._key, self.algorithm, headers={"kid": "bench-1"})

    def make_tokens(self, count: int) -> Iterator[str]:
        return (self.sign(user) for user in bench_users.make_users(count))

    def trusted(self, block: Block) -> Block:
        """The block while this issuer's key is in force, and its header known."""

        def run_block() -> float:
            with override_settings(JWT_JWKS_FILE=str(self.file)):
                user_tokens.verify_token(self.sign("first"))
                return block()

        return run_block


def measure_tokens(folder: Path, size: Size) -> list[Figure]:
    return [_verification(Issuer(name, folder), size) for name in ("RS256", "ES256")]


def measure_claims(folder: Path, size: Size) -> list[Figure]:
    return [_claims(Issuer(name, folder), size) for name in ("RS256", "ES256", "EdDSA")]


def _verification(issuer: Issuer, size: Size) -> Figure:
    """A verified token ÷ its signature alone."""
    tokens = list(issuer.make_tokens(size.cpu_block))
    plain = list(bench_users.make_tokens(size.cpu_block))
    name = f"token_{issuer.algorithm.lower()}"
    pairs = interleave_blocks(
        name, issuer.trusted(_timed(user_tokens.verify_token, tokens)),
        issuer.trusted(_signatures_alone(tokens)), rounds=size.cpu_rounds,
    )  # fmt: skip
    of_hs256 = _plain(_timed(user_tokens.verify_token, plain))
    with_pyjwt = issuer.trusted(_timed(user_tokens._verify_with_pyjwt, tokens))
    return Figure(
        name, pairs.median_cost,
        {
            "us_per_token": 1e6 * median(pairs.ours),
            "us_of_signature": 1e6 * median(pairs.theirs),
            "us_by_pyjwt": 1e6 * median(with_pyjwt() for _ in range(5)),
            "us_of_hs256": 1e6 * median(of_hs256() for _ in range(20)),
        },
        {"token_s": pairs.ours, "signature_s": pairs.theirs},
    )  # fmt: skip


def _timed(verify: Callable[[str], object], tokens: list[str]) -> Block:
    def run_block() -> float:
        before = time.process_time()
        for token in tokens:
            verify(token)
        return (time.process_time() - before) / len(tokens)

    return run_block


def _signatures_alone(tokens: list[str]) -> Block:
    """The signatures are decoded and verified, and all else is left out."""
    parts = [token.encode().rpartition(b".") for token in tokens]

    def run_block() -> float:
        [key] = keys_in_force.current_keys().named("bench-1")
        before = time.process_time()
        for signed, _, signature in parts:
            key.has_signed(signed, signature)
        return (time.process_time() - before) / len(parts)

    return run_block


def _claims(issuer: Issuer, size: Size) -> Figure:
    """CPU per admitted claim with the issuer's token ÷ with a plain HS256 token."""
    connections.close_all()  # idle during the last figure: the server has closed it
    slug = f"with-{issuer.algorithm.lower()}"
    campaign = bench_campaigns.open_campaign(slug, stock=3 * claim_cpu.request_count(size))
    path = bench_campaigns.claims_path(campaign)
    tokens = issuer.make_tokens(claim_cpu.request_count(size))
    ours = claim_cpu.request_blocks(application, path, HTTPStatus.ACCEPTED, size, tokens)
    theirs = _plain(claim_cpu.request_blocks(application, path, HTTPStatus.ACCEPTED, size))
    verifying = _verifying_first(issuer)
    least = _plain(claim_cpu.request_blocks(verifying, path, HTTPStatus.ACCEPTED, size))
    floor: list[float] = []

    def both() -> float:
        floor.append(least())
        return theirs()

    name = f"claim_{issuer.algorithm.lower()}_ratio"
    pairs = interleave_blocks(name, issuer.trusted(ours), both, rounds=size.cpu_rounds)
    return Figure(
        name, pairs.median_cost,
        {
            "with_the_signature_alone": Pairs(floor[1:], pairs.theirs).median_cost,
            "quiet_ratio": pairs.quiet_cost,
            "us_per_claim": 1e6 * median(pairs.ours),
            "us_per_hs256_claim": 1e6 * median(pairs.theirs),
        },
        {"claim_s": pairs.ours, "hs256_s": pairs.theirs},
    )  # fmt: skip


def _verifying_first(issuer: Issuer) -> Any:
    """The application behind one verification of a signature by `cryptography`: with a plain HS256
    token it costs the least that a claim with the issuer's token can cost."""
    signed, _, signature = issuer.sign("first").encode().rpartition(b".")
    with override_settings(JWT_JWKS_FILE=str(issuer.file)):
        [key] = keys_in_force.current_keys().named("bench-1")

    def call(environ: dict[str, Any], start_response: Any) -> Any:
        key.has_signed(signed, signature)
        return application(environ, start_response)

    return call


def _plain(block: Block) -> Block:
    """The block with the shared secret in force, and the header of its tokens known."""

    def run_block() -> float:
        user_tokens.verify_token(user_tokens.mint_token("first"))
        return block()

    return run_block
