"""The environment of a process that serves requests: without our settings, once they are read.

granian copies the whole environment into every request's `environ`, which Django calls
`request.META`: a template, an error report or a debugging page that shows it would show SECRET_KEY,
the keys of all codes and the stores' passwords. Whatever libraries read later stays.
"""

import os
import re
from multiprocessing import current_process

WORKER = "granian-worker"  # the name that granian gives its serving processes
_STAYS = re.compile(
    r"PATH|HOME|TZ|LANG|LANGUAGE|LC_\w+|TMPDIR|DJANGO_SETTINGS_MODULE|PYTHON\w*|PROMETHEUS_\w+|"
    r"OTEL_\w+|SSL_\w+|GRANIAN_\w+|LD_\w+|MALLOC_\w+|FAKETIME\w*"
)


def is_served() -> bool:
    """Whether this process is one of granian's, in which nothing reads a setting any more."""
    return current_process().name == WORKER


def hide_settings() -> None:
    """Remove every variable that no library reads. The settings must have been read."""
    environment = os.environ
    for name in [*environment]:
        if not _STAYS.fullmatch(name):
            del environment[name]
