"""Fixtures of the tests of public pages: one site and one Chromium for all of them.

They take seconds to start, and end before the next test of another folder, which starts a Chromium
of its own.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.browser.events.event_site import EventSite, start_event_site
from tests.browser.events.visitors import Visitors, start_visitors

HERE = Path(__file__).parent
Part = TypeVar("Part")


class Shared:
    """What was started for this folder's tests, each under its name."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._parts: dict[str, Any] = {}

    def started(self, name: str, start: Callable[[], AbstractContextManager[Part]]) -> Part:
        if name not in self._parts:
            self._parts[name] = self._stack.enter_context(start())
        return self._parts[name]  # type: ignore[no-any-return]

    def end_all(self) -> None:
        self._parts.clear()
        self._stack.close()


SHARED = pytest.StashKey[Shared]()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    if SHARED in item.session.stash and not (nextitem and nextitem.path.is_relative_to(HERE)):
        item.session.stash[SHARED].end_all()


@pytest.fixture
def shared(request: pytest.FixtureRequest) -> Shared:
    return request.session.stash.setdefault(SHARED, Shared())


@pytest.fixture
def site(
    shared: Shared,
    child_environment: dict[str, str],
    collected_static: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[EventSite]:
    folder = tmp_path_factory.getbasetemp() / "event-site"
    folder.mkdir(exist_ok=True)
    running = shared.started("site", lambda: start_event_site(child_environment, folder))
    yield running
    running.heal()


@pytest.fixture
def visitors(shared: Shared, site: EventSite) -> Iterator[Visitors]:
    """Each test ends with a look at what its visitors saw: no error in the console, no violation of
    the content security policy, no request to another origin."""
    arriving = shared.started("chromium", start_visitors)
    yield arriving
    try:
        arriving.check_all({site.pages, site.api})
    finally:
        arriving.leave_all()
