"""Runs several jobs at once, each in its own thread: a rehearsal mostly waits."""

from __future__ import annotations

import threading
from collections.abc import Callable


def run_together(*jobs: Callable[[], None]) -> None:
    """Returns when all have ended. Then raises the first exception of them.

    An interrupted caller does not wait for them: their processes end with the cgroup.
    """
    raised: list[BaseException] = []

    def go(job: Callable[[], None]) -> None:
        try:
            job()
        except BaseException as error:  # raised again below, in the caller's thread
            raised.append(error)

    threads = [threading.Thread(target=go, args=(job,), daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if raised:
        raise raised[0]
