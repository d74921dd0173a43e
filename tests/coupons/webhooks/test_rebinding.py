"""A name whose answers change between check and use: a real resolver, name server and network."""

import json
import subprocess
import sys
from typing import Any

import pytest

from config import env

NAMESPACES = ("unshare", "--user", "--map-root-user", "--mount", "--net")


@pytest.fixture(scope="module")
def outcome() -> Any:
    if subprocess.run([*NAMESPACES, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no right here to make a network of its own")
    command = [*NAMESPACES, sys.executable, "-m", "tests.coupons.webhooks.rebinding_network"]
    done = subprocess.run(
        command, cwd=env.BASE_DIR, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_complaint_65_a_rebound_name_is_dialled_where_it_was_checked(outcome: Any) -> None:
    """One question for each attempt: there is no second one whose answer could differ."""
    assert outcome["rebound"] == {
        "results": ["delivered", "forbidden"],
        "questions": 2,
        "public": 1,
        "inner": 0,
    }


@pytest.mark.parametrize(
    "answers", ["one of them inner", "inner first", "private last", "metadata"]
)
def test_all_answers_must_be_public(outcome: Any, answers: str) -> None:
    assert outcome[answers]["results"] == ["forbidden"]
    assert (outcome[answers]["public"], outcome[answers]["inner"]) == (0, 0)


def test_negative_control_checking_and_then_dialling_by_name_reaches_inside(outcome: Any) -> None:
    assert outcome["control"] == {"public": 0, "inner": 1}
