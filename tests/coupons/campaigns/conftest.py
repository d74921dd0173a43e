"""Another process that changes a campaign's stock."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection


@pytest.fixture
def start_stock_changer(child_environment: dict[str, str]) -> Callable[..., Any]:
    """`start_stock_changer(stock, dies_after=3)`: a Popen of a process that changes the stock."""

    def start_change(stock: int | str, *, dies_after: int = 0) -> Any:
        connection.close()  # the children's changes are read by a new one
        command = [
            sys.executable,
            "-m",
            "tests.coupons.campaigns.stock_changer",
            "sale",
            str(stock),
        ]
        return subprocess.Popen([*command, str(dies_after)], env=child_environment,
                                stdout=subprocess.PIPE, text=True)  # fmt: skip

    return start_change


@pytest.fixture
def run_stock_changer(start_stock_changer: Callable[..., Any]) -> Callable[..., int]:
    """Run the process to its end; its exit status."""

    def wait_for_change(stock: int | str, *, dies_after: int = 0) -> int:
        child = start_stock_changer(stock, dies_after=dies_after)
        child.communicate(timeout=300)
        return int(child.returncode)

    return wait_for_change
