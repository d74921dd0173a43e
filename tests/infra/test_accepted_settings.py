"""Settings are written as candidates, and accepted when the stores have agreed: by the role's own
command."""

import subprocess
from pathlib import Path

import yaml

from tests.infra.templating import ANSIBLE, render_template

[TASK] = yaml.safe_load((ANSIBLE / "roles/app/tasks/accept.yml").read_text())


def accept(folder: Path) -> str:
    """Run the task's command on this folder. Returns what it prints."""
    command = render_template(
        TASK["ansible.builtin.shell"]["cmd"], {"coupon_settings": str(folder)}
    )
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def write_candidate(folder: Path, text: str) -> None:
    """As coupon_files does: another file takes the name."""
    new = folder / "new"
    new.write_text(text)
    new.chmod(0o640)
    new.rename(folder / "candidate.env")


def test_no_second_copy_of_the_secrets_is_left(tmp_path: Path) -> None:
    app, candidate = tmp_path / "app.env", tmp_path / "candidate.env"
    for text in ("KEY='one'\n", "KEY='two'\n"):
        write_candidate(tmp_path, text)
        assert accept(tmp_path) == "accepted"
        assert app.read_text() == text
        assert app.samefile(candidate), "one file with two names"
        assert app.stat().st_mode & 0o777 == 0o640
        assert accept(tmp_path) == "", "nothing has changed"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["app.env", "candidate.env"]


def test_candidates_that_were_not_accepted_leave_the_settings_alone(tmp_path: Path) -> None:
    write_candidate(tmp_path, "KEY='one'\n")
    accept(tmp_path)
    write_candidate(tmp_path, "KEY='refused'\n")
    assert (tmp_path / "app.env").read_text() == "KEY='one'\n"


def test_a_copy_that_an_older_release_left_becomes_the_same_file(tmp_path: Path) -> None:
    (tmp_path / "app.env").write_text("KEY='one'\n")
    write_candidate(tmp_path, "KEY='one'\n")
    assert accept(tmp_path) == "", "no unit has to be restarted"
    assert (tmp_path / "app.env").samefile(tmp_path / "candidate.env")
