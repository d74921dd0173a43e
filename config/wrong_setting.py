"""A setting that can't be read ends whatever program reads it in one sentence, with status 2.

It may be any program (`manage.py`, Celery, granian, `make run`), at any import: so this is what
Python does with the error if nobody caught it.
"""

import os
import sys
from types import TracebackType

from django.core.exceptions import ImproperlyConfigured

ASKED_WRONGLY = 2


def tell_in_a_sentence() -> None:
    """From now on, in this process."""
    before = sys.excepthook

    def tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if not isinstance(error, ImproperlyConfigured):
            before(kind, error, trace)
            return
        print(error, file=sys.stderr, flush=True)
        sys.stdout.flush()
        os._exit(ASKED_WRONGLY)  # a hook's only way to give a status

    sys.excepthook = tell
