"""A failure shows what the test's programs have logged last, and what a wait has seen last."""

from pathlib import Path

import pytest

from tests.config.waiting import wait_until
from tests.harness import logs


def test_the_last_lines_of_each_log_are_told(tmp_path: Path) -> None:
    (tmp_path / "worker.log").write_text("\n".join(f"line {n}" for n in range(100)))
    (tmp_path / "beat.log").write_text("")
    ((title, text),) = logs.last_lines(tmp_path)
    assert title == "end of worker.log"
    assert text.splitlines()[-1] == "line 99"
    assert len(text.splitlines()) == logs.MOST_LINES


def test_a_test_without_a_folder_has_no_logs() -> None:
    assert logs.last_lines(None) == []


def test_a_folder_is_noted_for_a_test_and_its_fixtures(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    assert request.node.stash[logs.FOLDER] == tmp_path


def test_a_wait_in_vain_says_what_it_waited_for_and_saw() -> None:
    seen: list[int] = []
    with pytest.raises(AssertionError) as failure:
        wait_until(lambda: len(seen) == 3, patience_s=0.1, said=lambda: f"only {seen}")
    assert "lambda: len(seen) == 3" in str(failure.value)
    assert str(failure.value).endswith("last: only []")
