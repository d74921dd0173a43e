"""The versions that are deployed: commits of this checkout, on no branch."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from tests.harness import layout_release
from tests.rehearsal.cloud import ROOT


def work_tree() -> str:
    """A commit of the files as they are, on no branch; HEAD if they don't differ from it."""
    return _run_git("stash", "create", "rehearsal")[:12] or _run_git("rev-parse", "HEAD")[:12]


def next_release(of: str) -> str:
    """Another commit with the same files: a release with another name."""
    return _run_git("commit-tree", f"{of}^{{tree}}", "-p", of, "-m", "The next release.")[:12]


def release_changing_redis(of: str) -> str:
    """A commit after it that stores campaigns in another layout in Redis, made up."""
    with tempfile.TemporaryDirectory() as folder:
        index = str(Path(folder) / "index")
        _run_git("read-tree", of, index=index)
        for name, text in layout_release.changed_files(ROOT).items():
            blob = _run_git("hash-object", "-w", "--stdin", given=text)
            _run_git("update-index", "--add", "--cacheinfo", f"100644,{blob},{name}", index=index)
        tree = _run_git("write-tree", index=index)
    return _run_git("commit-tree", tree, "-p", of, "-m", "A release with another layout.")[:12]


def _run_git(*words: str, index: str = "", given: str = "") -> str:
    """`index` is a file in place of the checkout's own index, `given` the standard input."""
    who = ("-c", "user.name=rehearsal", "-c", "user.email=rehearsal@localhost")
    done = subprocess.run(
        ["git", *who, *words], cwd=ROOT, capture_output=True, text=True, check=True, input=given,
        env=os.environ | ({"GIT_INDEX_FILE": index} if index else {}),
    )  # fmt: skip
    return done.stdout.strip()
