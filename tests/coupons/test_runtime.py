"""The runtime of a process: made anew for a test, and where it must be, in a forked child."""

import os
import subprocess
import sys

import pytest

from config import env
from coupons import runtime
from coupons.runtime import ProcessState, Runtime

PROGRAM = """
import os, sys, django
django.setup()
from coupons.admission import recent
from coupons.campaigns import lookup
from coupons.monitoring import clock_skew
from coupons.observability import hot_counters, refusal_notes, request_id
from coupons.runtime import runtime

hot_counters.count_claim("sale", "admitted", 0.1)
parent = {state: state.current for state in runtime.states}
if os.fork() == 0:
    anew = {state for state, before in parent.items() if state.current is not before}
    own = {
        recent.recent_admissions, request_id._ids, hot_counters._buffer, clock_skew.reporter,
        refusal_notes._buffer,
    }
    print(anew == own, hot_counters._buffer.current.writer, flush=True)
    os._exit(0)
os.wait()
print(all(state.current is before for state, before in parent.items()))
"""


@pytest.fixture
def own_runtime(monkeypatch: pytest.MonkeyPatch) -> Runtime:
    own = Runtime()
    monkeypatch.setattr(runtime, "runtime", own)
    return own


def test_before_it_is_started_there_is_no_state(own_runtime: Runtime) -> None:
    cache: ProcessState[dict[str, int]] = ProcessState(dict)
    with pytest.raises(AttributeError):
        cache.current["a"] = 1
    own_runtime.start_fresh()
    assert cache.current == {}


def test_a_fresh_one_has_fresh_states_also_of_modules_imported_later(own_runtime: Runtime) -> None:
    early: ProcessState[dict[str, int]] = ProcessState(dict)
    own_runtime.start_fresh()
    late: ProcessState[dict[str, int]] = ProcessState(dict)
    early.current["a"] = late.current["a"] = 1
    own_runtime.start_fresh()
    assert (early.current, late.current) == ({}, {})


def test_a_forked_child_has_its_own_where_it_must_and_the_parent_keeps_its() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=env.BASE_DIR, capture_output=True, text=True,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"}, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["True", "None", "True"], done.stderr
