"""Ctrl-C reaches what a check starts, also where the check itself runs in the background."""

import subprocess
import sys

from tests.harness.checkout_copy import ROOT

INTERRUPT_A_CHILD = """
import signal, subprocess, sys
from tests.harness.checkout_copy import heed_interrupts

if "heeding" in sys.argv:
    heed_interrupts()
child = subprocess.Popen(["sh", "-c", "kill -INT $$; echo it went on"])
sys.exit(child.wait() != -signal.SIGINT)
"""


def status_in_background(*words: str) -> int:
    script = 'trap "" INT; exec "$@"'
    python = [sys.executable, "-c", INTERRUPT_A_CHILD, *words]
    return subprocess.run(["bash", "-c", script, "bash", *python], cwd=ROOT).returncode


def test_children_of_a_check_in_the_background_heed_ctrl_c() -> None:
    assert status_in_background("heeding") == 0


def test_negative_control_they_would_not_by_themselves() -> None:
    assert status_in_background() == 1
