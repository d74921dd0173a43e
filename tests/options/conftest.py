"""Files for the wrong values of options that read one."""

from pathlib import Path

import pytest

from tests.options.walk import Files


@pytest.fixture
def option_files(tmp_path: Path) -> Files:
    return Files(tmp_path)
