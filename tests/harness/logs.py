"""The logs of the programs that a test has started, for its failure."""

from pathlib import Path

import pytest

FOLDER = pytest.StashKey[Path]()  # of the test, for its programs' files
MOST_LINES = 25  # of each log


def last_lines(folder: Path | None) -> list[tuple[str, str]]:
    """(title, text) of each log in the folder; None: the test has no folder."""
    if folder is None:
        return []
    texts = {
        file.name: file.read_text(errors="replace").strip()
        for file in sorted({*folder.glob("*.log"), *folder.glob("log")})
        if file.is_file()
    }
    return [
        (f"end of {name}", "\n".join(text.splitlines()[-MOST_LINES:]))
        for name, text in texts.items()
        if text
    ]
