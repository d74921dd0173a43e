"""A world of its own for each file: what a test does to it is taken back."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from coupons import store
from coupons.runtime import runtime
from tests.authorization.cast import World, make_world
from tests.harness import disposable


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    runtime.start_fresh()
    disposable.empty_redis(store.store().client)
    with django_db_blocker.unblock(), transaction.atomic():
        yield make_world()
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def fresh_runtime() -> None:
    """The module's world stays, in Redis too."""


@pytest.fixture(autouse=True)
def taken_back(world: World) -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
