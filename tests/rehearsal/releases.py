"""The versions that are deployed: commits of this checkout, on no branch."""

from __future__ import annotations

import subprocess

from tests.rehearsal.cloud import ROOT


def work_tree() -> str:
    """A commit of the files as they are, on no branch; HEAD if they don't differ from it."""
    return _run_git("stash", "create", "rehearsal")[:12] or _run_git("rev-parse", "HEAD")[:12]


def next_release(of: str) -> str:
    """Another commit with the same files: a release with another name."""
    return _run_git("commit-tree", f"{of}^{{tree}}", "-p", of, "-m", "The next release.")[:12]


def _run_git(*words: str) -> str:
    who = ("-c", "user.name=rehearsal", "-c", "user.email=rehearsal@localhost")
    done = subprocess.run(
        ["git", *who, *words], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
