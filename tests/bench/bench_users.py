"""Distinct users by the thousand, each with a token made beforehand."""

import uuid
from collections.abc import Iterator

from coupons.identity import user_tokens

LIFETIME_S = 3600  # longer than any run


def make_users(count: int) -> list[str]:
    """Ids of 36 characters, as most shops have them."""
    return [str(uuid.uuid4()) for _ in range(count)]


def make_tokens(count: int) -> Iterator[str]:
    return (user_tokens.mint_token(user, lifetime_s=LIFETIME_S) for user in make_users(count))
