"""Which server decides: a connection for admissions is made to one that was vouched for, or not.

A server names the history it holds (`master_replid` in INFO): another name after every restart and
every promotion. The name that was last found right stands in Redis itself, so a replica that is
promoted carries the old primary's name and has one of its own: it is not vouched for until `fence`
has compared it with MySQL. Asking costs two calls for every connection and none for a claim.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import redis

from coupons.errors import StoreAway
from coupons.store import keys
from coupons.store.replies import failure_of


class NotVouched(redis.RedisError):
    """This server may lack what another one has decided. Nothing but its name was asked."""


class Server(NamedTuple):
    """Which server answers."""

    identity: str
    is_primary: bool
    vouched: str  # the identity that was found right last, as far as this server knows

    @property
    def may_decide(self) -> bool:
        return self.is_primary and self.identity == self.vouched

    @classmethod
    def from_replication(cls, replication: Mapping[str, Any], vouched: bytes | None) -> "Server":
        """From INFO's section on replication."""
        is_primary = replication.get("role") == "master"
        return cls(
            str(replication["master_replid"]), is_primary, (vouched or b"").decode(errors="replace")
        )


def only_vouched(connection: Any) -> None:
    """Take part in making a connection. Raises NotVouched, ReadOnlyError; then there is none."""
    connection.on_connect()
    connection.send_command("INFO", "replication")
    said = connection.read_response().decode()
    connection.send_command("GET", keys.SERVER)
    try:
        vouched = connection.read_response()
    except redis.ResponseError as error:
        if isinstance(failure_of(error), StoreAway):
            raise
        vouched = None  # a key of another type lies under this name: nobody was vouched for
    server = Server.from_replication(
        dict(line.split(":", 1) for line in said.splitlines() if ":" in line), vouched
    )
    if not server.is_primary:
        raise redis.ReadOnlyError("A replica decides nothing.")
    if not server.may_decide:
        raise NotVouched("The server that decides has changed.")
