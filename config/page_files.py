"""Serves the static files of the event pages at the pages' door, and none of the admin's."""

from pathlib import Path
from typing import Any

from whitenoise.middleware import WhiteNoiseMiddleware

FOLDER = "pages"


class PageFiles(WhiteNoiseMiddleware):  # type: ignore[misc] # has no types
    """Reads the folder once, when the process starts: `collectstatic` must have run before."""

    def add_files(self, root: Any, prefix: Any = None) -> None:
        folder = Path(root) / FOLDER
        if folder.is_dir():
            super().add_files(str(folder), prefix=f"{prefix}{FOLDER}/")
