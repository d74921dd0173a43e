"""A folder and ports for `make run`; what the test starts in it is ended afterwards."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.development.laptop import Laptop


@pytest.fixture
def fresh_laptop(tmp_path: Path) -> Iterator[Laptop]:
    laptop = Laptop(tmp_path)
    yield laptop
    for command in laptop.started:
        if command.process.poll() is None:
            command.stop_command()
