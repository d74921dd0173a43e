"""Issue 12, 25: the tests of wrong values cover every program. Programs are found in the source:
each module that reads a command line is covered, or listed here with a reason."""

import re

from config import env
from tests.options.test_wrong_program_values import PROGRAMS

READS_A_COMMAND_LINE = re.compile(r"\bArgumentParser\(|\bSentenceParser\(|\bsys\.argv\b")
# Covered by tests of their own.
ELSEWHERE = {
    "coupons/assets/static/pages/verify_receipt.py": "tests/coupons/proof/test_inclusion.py",
    "ansible/roles/monitoring/generate/__main__.py": "tests/infra/test_monitoring.py",
    "config/containers/new_settings.py": "tests/config/test_containers.py",
    "locust/compare/plot.py": "tests/load/test_wrong_values.py",
    "locust/compare/run.py": "tests/load/test_wrong_values.py",
    "locust/report/report.py": "tests/load/test_wrong_values.py",
    "manage.py": "tests/options/test_wrong_values.py",
    "provisioning/__main__.py": "tests/provisioning/test_wrong_values.py",
}
DEFINE_READERS = {"coupons/management/arguments.py", "locust/option_types.py"}
# Started only by another program of ours; and the comparison's peer, which is Django's.
NOT_FOR_PEOPLE = {
    "config/containers/answers.py", "config/containers/render.py",
    "config/development/demo/crowd.py", "config/development/django_side/__main__.py",
    "locust/compare/tutorial/manage.py",
    "tests/bench/null_trace_collector.py", "tests/bench/steady_checkout.py",
    "tests/concurrency/asker.py",
    "tests/concurrency/redeemer.py",
    "tests/coupons/campaigns/stock_changer.py", "tests/coupons/database/zone_hour.py",
    "tests/coupons/api/merchant/idempotent_caller.py",
    "tests/config/fronted.py", "tests/crash/attacks.py", "tests/crash/deliverer.py",
    "tests/concurrency/granter.py", "tests/crash/drainer.py", "tests/crash/dying_grant.py",
    "tests/harness/forked_python.py", "tests/harness/proxy_program.py",
}  # fmt: skip


def find_programs() -> set[str]:
    folders = ("ansible", "config", "coupons", "locust", "provisioning", "tests")
    sources = [file for folder in folders for file in (env.BASE_DIR / folder).rglob("*.py")]
    return {
        str(file.relative_to(env.BASE_DIR))
        for file in (*sources, env.BASE_DIR / "manage.py")
        if not file.name.startswith("test_") and READS_A_COMMAND_LINE.search(file.read_text())
    }


def test_every_program_that_reads_a_command_line_has_a_test() -> None:
    driven = {f"{module.replace('.', '/')}.py" for module in PROGRAMS.values()}
    known = driven | ELSEWHERE.keys() | DEFINE_READERS | NOT_FOR_PEOPLE
    assert find_programs() == known


def test_programs_listed_as_tested_elsewhere_are_tested_there() -> None:
    for program, test in ELSEWHERE.items():
        name = program.removesuffix("/__main__.py").removesuffix(".py").rsplit("/", 1)[-1]
        assert name in (env.BASE_DIR / test).read_text(), program
