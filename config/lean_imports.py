"""Imports without what is only there because it is installed."""

import sys
from importlib import import_module
from typing import Any, cast


def import_without(optional: str, *, module: str) -> None:
    """Import `module` as on a host where the package `optional` is not installed. Whoever imports
    that package later gets it. Does nothing if one of the two has been imported before."""
    if optional in sys.modules or module in sys.modules:
        return
    # Python's own word for "there is none": the import raises ModuleNotFoundError.
    cast(dict[str, Any], sys.modules)[optional] = None
    try:
        import_module(module)
    finally:
        del sys.modules[optional]
