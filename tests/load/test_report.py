"""The report: the course of an opening on one page. `tests.verbs` makes a real one."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import html_page
import psutil
import pytest
import sampling
import timeline
from answers import ClaimAnswer

from tests.harness import servers
from tests.load.conftest import TOP


def make_answer(outcome: str, status: int, *, due: float, done: float) -> ClaimAnswer:
    return ClaimAnswer("mina", outcome, status, due, due, done)


HEARD = [
    make_answer("admitted", 202, due=0.1, done=0.12),
    make_answer("admitted", 202, due=0.2, done=0.26),
    make_answer("sold_out", 409, due=0.3, done=3.31),
]


def test_an_ask_counts_where_it_was_meant_and_an_answer_where_it_came() -> None:
    assert timeline.make_timeline(HEARD) == {
        "step_s": 0.25,
        "steps": [
            {"at": 0.0, "asked": 2, "outcomes": {"admitted": make_times(1, 20.0)}},
            {"at": 0.25, "asked": 1, "outcomes": {"admitted": make_times(1, 60.0)}},
            {"at": 3.25, "asked": 0, "outcomes": {"sold_out": make_times(1, 3010.0)}},
        ],
    }


def test_12_28_what_was_not_measured_is_no_number_of_seconds() -> None:
    unknown = make_run("queued")
    unknown["figures"]["all_stored_within_s"] = None
    page = html_page.render_page({"queued": unknown})
    assert "None" not in page
    assert "<td>–</td>" in page


def make_times(count: int, ms: float) -> dict[str, float]:
    return {"count": count, "p50": ms, "p95": ms, "p99": ms}


def make_run(road: str, *, well: bool = True, **more: Any) -> dict[str, Any]:
    admitted = {"count": 2, "mean": 40.0, "p50": 20.0, "p99": 60.0, "max": 60.0}
    outcomes: dict[str, Any] = {name: {"count": 0} for name in ("already", "refused", "error")}
    return {
        "strategy": road, "campaign": "sale", "users": 3, "stock": 2, "opens_at": 1000.0,
        "machine": "A & B, 2 cores", "busy": 0.5, "commit": "abc", "at": "now", "cores": 2,
        "verdict": {"told": 2, "stored": 2, "well": well, "faults": [] if well else ["1 <lost>"]},
        "figures": {
            "outcomes": outcomes | {"admitted": admitted, "sold_out": {"count": 1, "p50": 3010.0}},
            "all_stored_within_s": 0.1, "asked_late": 0,
        },
        "timeline": timeline.make_timeline(HEARD),
    } | more  # fmt: skip


SAMPLES = [
    {"at": 1000.0, "cpu": {"web": 0.5, "load": 1.0}, "stored": 0, "waiting": {"sale": 2.0}},
    {"at": 1000.5, "cpu": {"web": 0.7, "load": 1.0, "Redis": 0.1}, "stored": None, "waiting": {}},
    {"at": 1001.0, "cpu": {}, "stored": 2, "waiting": {"other": 1.0}},
]


def test_both_roads_are_compared_and_each_is_shown() -> None:
    page = html_page.render_page(
        {"direct": make_run("direct"), "queued": make_run("queued", samples=SAMPLES)}
    )
    assert page.count('src="data:image/png;base64,') == 3
    assert "3 people, 2 coupons: every told coupon is stored" in page
    assert "A &amp; B, 2 cores" in page
    assert not re.search(r"(src|href)=\"(?!data:)", page)  # the page is self-contained


def test_a_single_record_is_drawn_without_what_nobody_watched() -> None:
    page = html_page.render_page({"queued": make_run("queued")})
    assert page.count('src="data:image/png;base64,') == 1
    assert "Before and after" not in page


def test_a_fault_is_not_hidden_in_a_fine_picture() -> None:
    page = html_page.render_page({"queued": make_run("queued", well=False)})
    assert "with faults" in page
    assert "queued: 1 &lt;lost&gt;" in page


def test_processor_time_of_a_part_counts_its_children() -> None:
    """The parent only waits; its child uses the CPU."""
    spin = "print(flush=True)\nwhile True: pass"
    wait = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {spin!r}])"
    with subprocess.Popen([sys.executable, "-c", wait], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()  # the child runs
        (child,) = psutil.Process(parent.pid).children()
        try:
            parts = sampling.ProcessGroups({"busy": parent.pid, "gone": 2**22 - 1})
            begun = child.cpu_times().user
            while child.cpu_times().user < begun + 0.1:
                pass
            cores = parts.cores_used()
        finally:
            child.kill()
    assert cores["busy"] > 0
    assert cores["gone"] == 0


def test_who_listens_on_a_port_is_found(tmp_path: Path) -> None:
    port = servers.free_port()
    with servers.start_redis(tmp_path, port=port):
        assert psutil.Process(sampling.listening_pid(port)).name().startswith("redis")
    with pytest.raises(LookupError):
        sampling.listening_pid(port)


def test_a_run_whose_time_is_up_is_closed_after_people_were_sent_home() -> None:
    """A verdict while users still claimed once reported coupons as lost that were stored later."""
    asks = """
import sys; sys.path.insert(0, "locust")
from scenarios import PATIENCE_S, Crowd
from types import SimpleNamespace as It
Crowd.at_the_end = staticmethod(lambda: print("judged"))
crowd = Crowd()
crowd.runner = It(user_count=5)
Crowd.load_run = It(elapsed_s=11 + PATIENCE_S, seconds=10)
print(crowd.tick())
crowd.runner = It(user_count=0)
Crowd.load_run = It(elapsed_s=11, seconds=10)
print(crowd.tick())
"""
    done = subprocess.run(
        [sys.executable, "-c", asks], cwd=TOP, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["None", "judged", "None"], done.stderr
