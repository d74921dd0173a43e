"""A wrong setting ends the program with one sentence on standard error and status 2.

It may be any program (`manage.py`, Celery, granian, `make run`), at any import: so this is a hook
for uncaught exceptions (`sys.excepthook`).
"""

import os
import sys
from types import TracebackType

from django.core.exceptions import ImproperlyConfigured

ASKED_WRONGLY = 2


def install_exception_hook() -> None:
    """Install the hook in this process."""
    previous_hook = sys.excepthook

    def report(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if not isinstance(error, ImproperlyConfigured):
            previous_hook(kind, error, trace)
            return
        print(error, file=sys.stderr, flush=True)
        sys.stdout.flush()
        os._exit(ASKED_WRONGLY)  # the only way for a hook to set the exit status

    sys.excepthook = report
