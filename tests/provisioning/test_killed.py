"""Killed after every single write and applied again: the same end state, and no duplicates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.long


def test_hello_killed_after_each_write_and_applied_again(
    hello_rig: Any, empty_again: Any, killed_exception: Any, state_of: Any
) -> None:
    writes = hello_rig.apply_plan(at_once=1)
    wanted = state_of(hello_rig.find_all())
    for number in range(1, writes):
        empty_again()
        with pytest.raises(killed_exception):
            hello_rig.apply_plan(at_once=1, die_after=number)
        hello_rig.apply_plan(at_once=1)
        assert state_of(hello_rig.find_all()) == wanted, f"killed after write {number}"


@pytest.mark.parametrize("name", ["hello", "production"])
def test_killed_after_one_write_again_and_again(
    name: str,
    request: pytest.FixtureRequest,
    empty_again: Any,
    killed_exception: Any,
    state_of: Any,
) -> None:
    """Harder: the resuming run is killed after its first write too, down to the last."""
    rig = request.getfixturevalue(f"{name}_rig")
    rig.build()
    wanted = state_of(rig.find_all())
    empty_again()
    lives = lives_of(lambda: rig.apply_plan(at_once=1, die_after=1), killed_exception)
    assert lives >= 24
    assert state_of(rig.find_all()) == wanted


@pytest.mark.parametrize("name", ["hello", "production"])
def test_destroy_killed_after_each_write_still_leaves_nothing(
    name: str, request: pytest.FixtureRequest, killed_exception: Any
) -> None:
    rig = request.getfixturevalue(f"{name}_rig")
    rig.build()
    lives = lives_of(lambda: rig.destroy_all(at_once=1, die_after=1), killed_exception)
    assert lives >= 24
    assert rig.find_all() == {}


def lives_of(run: Callable[[], int], killed: type[BaseException]) -> int:
    """How many runs it took until nothing was left to do."""
    for lives in range(400):
        try:
            if run() == 0:
                return lives
        except killed:
            continue
    raise AssertionError("it doesn't get on")


def test_negative_control_a_repeated_create_that_duplicates_is_detected(
    hello_rig: Any, killed_exception: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: tags that come in a second call are lost by a kill in between."""
    real = hello_rig.cloud.ec2.create_internet_gateway
    monkeypatch.setattr(hello_rig.cloud.ec2, "create_internet_gateway", lambda **_: real())
    hello_rig.apply_plan()
    assert hello_rig.compute_plan().changes, (
        "an untagged gateway isn't found again, so it is made again"
    )
