"""What `make run` does when one of its programs ends, and what it says while it stops them."""

import os
import re
import signal
from functools import partial

import pytest

from tests.development.laptop import Command, Laptop, becomes_true, claim_as_printed

pytestmark = pytest.mark.slow

PROGRAMS = {"beat": "config beat", "flower": "flower", "consumer": "config.worker.consumer",
            "worker": "WARNING --concurrency", "webhooks": "--queues webhooks",
            "valkey": "-server ",
            "web": "--port {WEB_PORT}", "operators": "--port {OPERATORS_PORT}",
            "merchants": "--port {MERCHANTS_PORT}", "pages": "--port {PAGES_PORT}",
            "shop": "example_shop"}  # fmt: skip


def test_12_28_run_starts_a_killed_program_again_whichever_it_is(fresh_laptop: Laptop) -> None:
    """As systemd does on a host. Each program is killed once, as soon as all are ready."""
    command = fresh_laptop.start_serving()
    assert claim_as_printed(command)["place"] == 1
    for name, word in PROGRAMS.items():
        os.kill(command.find_child(word.format(**fresh_laptop.ports)), signal.SIGKILL)
        command.until_it_says(f"! {name} had ended and was started again.")
    assert becomes_true(lambda: claims_again(command))
    assert command.stop_command() == 0
    assert command.process_tree() == []


def claims_again(command: Command) -> bool:
    try:
        return claim_as_printed(command)["place"] == 1
    except OSError:  # the web is still starting, or the gate is compared with the database
        return False


def started_again(command: Command, times: int) -> bool:
    return command.output_text.count("beat had ended and was started again.") == times


def test_12_28_run_stops_everything_when_one_program_keeps_ending_and_says_which(
    fresh_laptop: Laptop,
) -> None:
    command = fresh_laptop.start_serving()
    for times in range(1, 4):
        os.kill(command.find_process("beat"), signal.SIGKILL)
        assert becomes_true(partial(started_again, command, times))
    os.kill(command.find_process("beat"), signal.SIGKILL)
    assert command.exit_status() == 1
    assert "beat ended by itself" in command.output_text
    assert command.process_tree() == []


def test_12_28_run_says_what_it_is_stopping(fresh_laptop: Laptop) -> None:
    command = fresh_laptop.start_serving()
    command.process.send_signal(signal.SIGINT)
    command.until_it_says("  stopping web\n")
    assert command.exit_status() == 0
    assert re.findall(r"  stopping (\w+)", command.output_text) == [
        "shop", "operators", "pages", "merchants", "web", "flower", "beat", "consumer",
        "webhooks", "worker", "valkey",
    ]  # fmt: skip
