"""Distinct users, each with a token created in advance."""

import uuid
from collections.abc import Iterator

from coupons.identity import user_tokens

LIFETIME_S = 3600  # seconds, longer than any run


def make_users(count: int) -> list[str]:
    """UUIDs of 36 characters, as many shops use."""
    return [str(uuid.uuid4()) for _ in range(count)]


def make_tokens(count: int) -> Iterator[str]:
    return (user_tokens.mint_token(user, lifetime_s=LIFETIME_S) for user in make_users(count))
