"""Commit and machine of a measurement, for its record."""

import os
import platform
import subprocess
import time
from pathlib import Path

from quantities import counted_noun


def describe_machine() -> dict[str, object]:
    return {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "commit": _commit(),
        "machine": f"{_processor()}, {counted_noun(os.cpu_count() or 1, 'core')}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "compiler": platform.python_compiler(),
        "busy": round(os.getloadavg()[0], 1),
    }


def _commit() -> str:
    """RELEASE if the scenarios are installed; in a repository its commit, with `-dirty` if there
    are uncommitted changes."""
    if installed := os.environ.get("RELEASE"):
        return installed
    command = ["git", "describe", "--always", "--dirty", "--abbrev=10"]
    folder = Path(__file__).parent
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
