"""Refuse admission connections to a Redis server whose replication id has not been verified since
its last restart or promotion.

A server's replication id (`master_replid` in INFO) names its data history and changes with every
restart and every promotion. The id that was verified last is stored in Redis itself
(`keys.SERVER`). A promoted replica has the old primary's id there, which differs from its own: it
is not verified until `recovery.failover` has compared it with MySQL. The check costs two commands
for each new connection, none for a claim.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import redis

from coupons.errors import StoreAway
from coupons.store import keys
from coupons.store.replies import failure_of


class NotVerified(redis.RedisError):
    """This server may lack decisions of another one. Nothing was sent but the identity check."""


class Server(NamedTuple):
    """The identity and role of the server that replied."""

    identity: str  # its replication id
    is_primary: bool
    verified: str  # the identity verified last, as stored in this server; "": none

    @property
    def may_decide(self) -> bool:
        return self.is_primary and self.identity == self.verified

    @classmethod
    def from_replication(cls, replication: Mapping[str, Any], verified: bytes | None) -> "Server":
        """From the replication section of INFO, and the value of `keys.SERVER`."""
        is_primary = replication.get("role") == "master"
        return cls(
            str(replication["master_replid"]),
            is_primary,
            (verified or b"").decode(errors="replace"),
        )


def require_verified_server(connection: Any) -> None:
    """redis-py's hook on a new connection: verify the server. Raises NotVerified, ReadOnlyError (it
    is a replica); then the connection is not made."""
    connection.on_connect()
    connection.send_command("INFO", "replication")
    replication = connection.read_response().decode()
    connection.send_command("GET", keys.SERVER)
    try:
        verified = connection.read_response()
    except redis.ResponseError as error:
        if isinstance(failure_of(error), StoreAway):
            raise
        verified = None  # the key has another type: no server was verified
    server = Server.from_replication(
        dict(line.split(":", 1) for line in replication.splitlines() if ":" in line), verified
    )
    if not server.is_primary:
        raise redis.ReadOnlyError("A replica decides nothing.")
    if not server.may_decide:
        raise NotVerified("The server that decides has changed.")
