"""The environment's lock, a lease: an SSM parameter that only one run can create.

It is renewed every minute. A killed run leaves it behind: the same machine takes it over at once
(it can see that the process is gone), another machine after ten minutes without renewal.
"""

from __future__ import annotations

import getpass
import json
import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from provisioning.aws import Cloud
from provisioning.client_errors import error_code, ignoring, translated_errors
from provisioning.errors import Locked

RENEW_SECONDS = 60
STALE = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class Holder:
    """The holder of the lock; `token` distinguishes two runs of the same user."""

    who: str
    machine: str
    process: int
    token: str
    since: str

    @property
    def dead(self) -> bool:
        """True if it ran on this machine and has ended. For another machine always False."""
        return self.machine == socket.gethostname() and not _process_exists(self.process)


class Lock:
    """The environment's lock, for this run."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.name = f"{cloud.scope.path}/provisioning-lock"
        self.me = Holder(
            who=getpass.getuser(),
            machine=socket.gethostname(),
            process=os.getpid(),
            token=secrets.token_hex(8),
            since=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        self._released = threading.Event()
        self._lost = False

    def check(self) -> None:
        """Raises Locked if another run has taken the lock. To be called before every write."""
        if self._lost:
            raise Locked("Another run took the lock over.", todo="Let it finish, then apply again.")

    def take(self) -> None:
        """Acquire the lock. Raises Locked, with the holder's name, if another run has it."""
        while not self._create():
            holder, renewed = self._read()
            if holder is None:
                continue  # released meanwhile: try again
            if not holder.dead and datetime.now(UTC) - renewed < STALE:
                raise Locked(
                    f"{holder.who} on {holder.machine} has been at work since {holder.since}.",
                    todo=f"Wait for it; a dead run's lock ({self.name}) expires after {STALE}.",
                )
            self._remove_stale(holder)

    def release(self) -> None:
        self._released.set()
        holder, _ = self._read()
        if holder and holder.token == self.me.token:
            with ignoring("ParameterNotFound"):
                self.cloud.ssm.delete_parameter(Name=self.name)

    def keep_renewing(self) -> None:
        """Renew the lock every RENEW_SECONDS until it is released or lost. Runs in a thread."""
        while not self._released.wait(RENEW_SECONDS):
            holder, _ = self._read()
            if holder is None or holder.token != self.me.token:
                self._lost = True
                return
            self.cloud.ssm.put_parameter(Name=self.name, Value=self._document(), Overwrite=True)

    def _document(self) -> str:
        return json.dumps(asdict(self.me))

    def _create(self) -> bool:
        try:
            self.cloud.ssm.put_parameter(
                Name=self.name,
                Value=self._document(),
                Type="String",
                Tags=self.cloud.scope.tags("provisioning-lock"),
            )
        except self.cloud.ssm.exceptions.ClientError as refused:
            if error_code(refused) != "ParameterAlreadyExists":
                raise
            return False
        return True

    def _read(self) -> tuple[Holder | None, datetime]:
        with ignoring("ParameterNotFound"):
            parameter = self.cloud.ssm.get_parameter(Name=self.name)["Parameter"]
            return Holder(**json.loads(parameter["Value"])), parameter["LastModifiedDate"]
        return None, datetime.now(UTC)

    def _remove_stale(self, stale: Holder) -> None:
        """Removes a dead run's lock, unless another run does so first. Raises Locked then.

        Two runs may both see the dead one. Each first tries to create a parameter named after the
        dead run's token: only one of them can, and only that one removes the lock.
        """
        mark = f"{self.name}-{stale.token}"
        try:
            self.cloud.ssm.put_parameter(Name=mark, Value=self.me.token, Type="String")
        except self.cloud.ssm.exceptions.ClientError as refused:
            if error_code(refused) != "ParameterAlreadyExists":
                raise
            raise Locked(
                "Another run is taking over a dead run's lock.",
                todo=f"Try again; if this stays, delete the parameter {mark}.",
            ) from refused
        holder, _ = self._read()
        if holder and holder.token == stale.token:
            self.cloud.ssm.delete_parameter(Name=self.name)
        self.cloud.ssm.delete_parameter(Name=mark)


@contextmanager
def environment_lock(cloud: Cloud) -> Iterator[Lock]:
    """Context manager: holds the environment's lock. Raises Locked if another run has it."""
    lock = Lock(cloud)
    with translated_errors("Taking the environment's lock"):
        lock.take()
    renewing = threading.Thread(target=lock.keep_renewing, daemon=True)
    renewing.start()
    try:
        yield lock
    finally:
        with translated_errors("Releasing the environment's lock"):
            lock.release()


def _process_exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
