"""What the roles render, once for all tests of a process."""

import pytest

from tests.infra.rendered_roles import Rendered, render_all_roles


@pytest.fixture(scope="session")
def rendered_hosts(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    return render_all_roles(tmp_path_factory.mktemp("rendered"))
