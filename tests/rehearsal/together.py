"""Several things at once, each in a thread of its own: most of a rehearsal is waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable


def run_together(*jobs: Callable[[], None]) -> None:
    """Returns when all have ended. Raises what the first of them raised, then.

    Whoever is interrupted meanwhile goes on without them: their processes end with our cgroup.
    """
    raised: list[BaseException] = []

    def go(job: Callable[[], None]) -> None:
        try:
            job()
        except BaseException as error:  # raised again below, where somebody hears it
            raised.append(error)

    threads = [threading.Thread(target=go, args=(job,), daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if raised:
        raise raised[0]
