"""One process manager, and one place for the command lines of the site's programs; what starts
processes by itself is named here, with its reason."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
MANAGER = "config/development/process/programs.py"
COMMANDS = "config/development/process/commands.py"
_COMPARISON = "Locust's comparison runs without Django and with peers of its own"
_DRIVEN = "the tested program itself, as a person starts and stops it"
_CONVERSES = "converses with it over its standard input or output"

STARTS_PROCESSES = {
    MANAGER: "the process manager",
    "locust/compare/programs.py": _COMPARISON,
    "locust/report/report.py": _COMPARISON,
    "tests/admin/test_refused_commands.py": _CONVERSES,
    "tests/concurrency/test_coupon_races.py": _CONVERSES,
    "tests/concurrency/test_grant_races.py": _CONVERSES,
    "tests/concurrency/test_many_processes.py": _CONVERSES,
    "tests/config/test_consumer.py": _CONVERSES,
    "tests/coupons/api/merchant/test_idempotency_races.py": _CONVERSES,
    "tests/coupons/campaigns/conftest.py": _CONVERSES,
    "tests/crash/experiments/crowds.py": _CONVERSES,
    "tests/crash/strangers.py": _CONVERSES,
    "tests/crash/test_dying_steps.py": _CONVERSES,
    "tests/crash/test_http_crowd.py": _CONVERSES,
    "tests/development/laptop.py": _DRIVEN,
    "tests/development/test_ports.py": _CONVERSES,
    "tests/development/test_programs.py": "tests the process manager from outside",
    "tests/harness/checkout_copy.py": _DRIVEN,
    "tests/harness/test_checkout_copy.py": "the text of a program whose child is interrupted",
    "tests/harness/proxy.py": _CONVERSES,
    "tests/harness/forked_python.py": _CONVERSES,
    "tests/infra/exhausted_host.py": _CONVERSES,
    "tests/load/test_report.py": _CONVERSES,
    "tests/provisioning/test_cli.py": _DRIVEN,
    "tests/rehearsal/host.py": "a machine with an init of its own, started again by a thread",
    "tests/rehearsal/packets.py": _CONVERSES,
    "tests/rehearsal/playbooks.py": _CONVERSES,
    "tests/rehearsal/terminal.py": _CONVERSES,
    "tests/rehearsal/test_rehearsal.py": _DRIVEN,
}
NAMES_COMMANDS = {
    COMMANDS: "the command lines",
    "coupons/management/commands/flower.py": "Flower's own command line, below ours",
    "locust/compare/contenders.py": _COMPARISON,
    "locust/report/site_processes.py": _COMPARISON,
    "tests/config/test_forked_python.py": "celery report, which starts nothing",
    "tests/development/test_beside_run.py": "programs as a person starts them beside make run",
    "tests/infra/test_secrets_in_urls.py": "celery report, which starts nothing",
    "tests/options/test_wrong_settings.py": "entry points with wrong settings, which start nothing",
}
_STARTS = re.compile(r"\bPopen\(")
_COMMAND = re.compile(r'"granian", "--interface"|"-m", "celery"|"config\.worker\.consumer"\]')


def _files_with(pattern: re.Pattern[str]) -> set[str]:
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    ours = Path(__file__).relative_to(ROOT).as_posix()
    return {
        name
        for name in names.split()
        if name != ours and (ROOT / name).exists() and pattern.search((ROOT / name).read_text())
    }


def test_processes_are_started_by_the_one_manager_or_for_a_reason() -> None:
    assert _files_with(_STARTS) == set(STARTS_PROCESSES)


def test_the_programs_of_the_site_have_their_command_lines_in_one_place() -> None:
    assert _files_with(_COMMAND) == set(NAMES_COMMANDS)
