"""Waiting for AWS: polling until it has finished, and calls asked again while a refusal passes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from botocore.exceptions import ClientError

from provisioning.aws import Cloud
from provisioning.client_errors import brief_text
from provisioning.errors import Incomplete
from provisioning.quantities import counted_noun

T = TypeVar("T")


class NotYetVisible(Exception):
    """AWS' answer lacks what was made a moment ago."""


def only_answer(described: Sequence[T]) -> T:
    """The one description that AWS was asked for. Raises NotYetVisible if the answer is empty."""
    if not described:
        raise NotYetVisible
    return described[0]


def wait_until(cloud: Cloud, what: str, check: Callable[[], bool]) -> None:
    """Polls `check` with a growing pause until it is true. Raises Incomplete after the spec's
    `waiting.minutes`, or when the run is aborted."""
    deadline = time.monotonic() + cloud.waiting.minutes * 60
    pause = min(0.2, cloud.waiting.poll_seconds)
    while not check():
        if time.monotonic() > deadline:
            allowed = counted_noun(cloud.waiting.minutes, "minute")
            raise Incomplete(
                f"{what} took longer than {allowed}.",
                todo="AWS may still finish it: apply again later, or raise waiting.minutes.",
            )
        if cloud.stopping.wait(pause):
            raise Incomplete(
                f"{what} was left to AWS.", todo="Run the same command again to go on."
            )
        pause = min(pause * 2 + 0.01, cloud.waiting.poll_seconds)


def eventually(cloud: Cloud, what: str, not_yet: str, call: Callable[[], T]) -> T:
    """The result of `call`, retried while AWS refuses it with `not_yet` in its message.

    AWS is eventually consistent: a new resource is visible everywhere only after seconds.
    """
    return ask_again(cloud, what, lambda error: not_yet in str(error), call)


def tell_nobody(refusal: str) -> None:
    """The default report of a refusal: does nothing."""


def ask_again(
    cloud: Cloud, what: str, is_passing: Callable[[ClientError], bool], call: Callable[[], T],
    tell: Callable[[str], None] = tell_nobody,
) -> T:  # fmt: skip
    """The result of `call`, repeated while AWS refuses it with an error that `is_passing`, or
    doesn't see yet what it needs. The first refusal is told.
    Raises Incomplete with AWS' last refusal after the spec's `waiting.minutes`."""
    results: list[T] = []
    refused = ""

    def attempt() -> bool:
        nonlocal refused
        try:
            results.append(call())
        except NotYetVisible:
            refused = " AWS' answer was empty."
        except ClientError as error:
            if not is_passing(error):
                raise
            if not refused:
                tell(f"AWS said: {brief_text(str(error))}")
            refused = f" AWS said: {brief_text(str(error))}"
        return bool(results)

    try:
        wait_until(cloud, what, attempt)
    except Incomplete as late:
        raise Incomplete(f"{late.sentence}{refused}", todo=late.todo) from late
    return results[0]
