"""Calls about the Redis server itself: its clock, its identity, its INFO, its scripts."""

from typing import cast

import redis

from coupons import dry_run
from coupons.errors import StoreAway
from coupons.store import keys
from coupons.store.client import Script, SubjectCalls, time_ms
from coupons.store.replies import failure_of
from coupons.store.server_identity import Server


class ServerCalls(SubjectCalls):
    """Facts that are the same for all campaigns. None is read while a claim is decided."""

    def now_ms(self) -> int:
        with self.guard_call():
            return time_ms(self.client.time())

    def load_scripts(self) -> int:
        """Load every script into the server before the first claim needs one. Returns how many."""
        with self.guard_call(), self.client.pipeline(transaction=False) as pipe:
            for script in Script.all:
                pipe.eval(script.text, 0)
            return len(pipe.execute())

    def read_info(self) -> dict[str, object]:
        """The server's INFO. Managed Redis services answer it too, unlike CONFIG."""
        with self.guard_call():
            return dict(self.client.info())

    def read_identity(self) -> Server:
        with self.guard_call():
            replication = self.client.info("replication")
            verified = self._verified_identity()
        return Server.from_replication(replication, verified)

    def _verified_identity(self) -> bytes | None:
        """The identity verified last. None also if the key has another type."""
        try:
            return cast("bytes | None", self.client.get(keys.SERVER))
        except redis.ResponseError as error:
            if isinstance(failure_of(error), StoreAway):
                raise
            return None

    def mark_verified(self, identity: str, *, unless_known: bool = False) -> None:
        """Let admissions connect to this server. `unless_known`: only if no identity is stored."""
        if dry_run.noted("verified"):
            return
        with self.guard_call():
            self.client.set(keys.SERVER, identity, nx=unless_known)
