"""Another deciding Redis for one test, used by every module of the product."""

import sys
from typing import Any

import pytest

from coupons import store


def use_store(monkeypatch: pytest.MonkeyPatch, own: Any) -> None:
    """Replace `store()` in every module of ours that has imported it."""
    users = [
        module
        for name, module in list(sys.modules.items())
        if name.startswith("coupons.") and getattr(module, "store", None) is store.store
    ]
    assert len(users) > 10, "most of them have it"
    for module in users:
        monkeypatch.setattr(module, "store", lambda: own)


def forget_store() -> None:
    """Drop this process's connections to Redis. The next call makes new ones, by the settings."""
    store.process_store.make_anew()
