"""The doors of a site as processes that serve all tests of a module: no test damages them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.config.fronted import (
    Environment,
    Served,
    front_of_users,
    operators_server,
    users_server,
)
from tests.conftest import CampaignMaker


@pytest.fixture
def open_sale(open_campaign: CampaignMaker) -> None:
    open_campaign(stock=1_000)


@pytest.fixture(scope="module")
def users_inner(
    shared_environment: Environment, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    """The port of the users' door, without a front."""
    with users_server(shared_environment, tmp_path_factory.mktemp("users")) as port:
        yield port


@pytest.fixture(scope="module")
def operators_inner(
    shared_environment: Environment, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    """The port of the operators' door, without a front."""
    with operators_server(shared_environment, tmp_path_factory.mktemp("operators")) as port:
        yield port


@pytest.fixture
def served_site(users_inner: int, open_sale: None, tmp_path: Path) -> Iterator[Served]:
    """The users' door behind a front, and an open campaign. Requests that don't arrive are held for
    longer than a test waits for the others."""
    with front_of_users(users_inner, tmp_path, request_s=60) as ours:
        yield ours
