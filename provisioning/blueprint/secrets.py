"""Wanted: the secrets. No host may read one: Ansible reads them on the operator's machine."""

from __future__ import annotations

from collections.abc import Iterator

from provisioning.model import Want
from provisioning.spec.model import Cache, Secret, Spec

DATABASE = "database-admin-password"
# What the database's rows and users were made under: its snapshots are of no use without them.
STORED_UNDER = ("coupon-code-key", "database-app-password")
MYSQL_LONGEST = 40  # RDS accepts at most 41


def secret_wants(spec: Spec) -> Iterator[Want]:
    for secret in every_secret(spec):
        yield Want(
            kind="secret",
            name=secret.name,
            props={"type": "SecureString"},
            hidden={"length": secret.length},
        )


def every_secret(spec: Spec) -> tuple[Secret, ...]:
    """The spec's own secrets, and those of the stores."""
    admin = Secret(name=DATABASE, length=MYSQL_LONGEST)
    tokens = tuple(
        Secret(name=auth_token(cache), length=64) for cache in spec.caches if cache.encrypted
    )
    return (admin, *tokens, *spec.secrets)


def auth_token(cache: Cache) -> str:
    return f"{cache.name}-auth-token"
