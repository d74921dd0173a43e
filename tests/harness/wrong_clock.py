"""Shifts the wall clock of processes, by a preloaded library (clock.c)."""

import shutil
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).with_name("clock.c")


class WrongClock:
    """The clock of all processes that are started with `env`; correct until it is shifted. Two
    instances with the same folder and name are the same clock."""

    def __init__(self, folder: Path, name: str = "clock") -> None:
        library = folder / "clock.so"
        if not library.exists():
            gcc = shutil.which("gcc") or "cc"
            command = [gcc, "-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"]
            subprocess.run(command, check=True)
        self._file = folder / f"{name}.shift"
        if not self._file.exists():
            self.shift(0)
        self.env = {"LD_PRELOAD": str(library), "CLOCK_SHIFT_FILE": str(self._file)}

    def shift(self, seconds: float) -> None:
        """Set the clock ahead of the correct time, or behind it if negative. Writes in place, since
        the processes have the file mapped."""
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(round(seconds * 1_000_000).to_bytes(8, sys.byteorder, signed=True))
