"""Issue 12, 27: every command that a page prints is run or parsed by a test. A new command fails
here until a test for it is named."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import get_commands

from tests.infra import test_monitoring
from tests.printed import live, readers
from tests.printed.pages import commands_of, printed_commands, shell_lines
from tests.printed.road import page_commands

ROOT = Path(__file__).parents[2]
ALL = printed_commands()

# Commands that need hosts, root or the network: the test file that runs them, and words in it.
ELSEWHERE = {
    r".*ansible-playbook -i \.\./build/inventory/production/hosts\.yml site\.yml":
        ("tests/rehearsal/onhosts.py", 'it.books.run("site")'),
    r"ansible-playbook -i … operate\.yml -e verb=rotate .*":
        ("tests/rehearsal/onhosts_rotation.py", 'verb="rotate"'),
    r"cd ansible": ("ansible/ansible.cfg", "[defaults]"),
    r"ssh -F \S+/ssh\.cfg -L .*": ("tests/rehearsal/playbooks.py", "ssh.cfg"),
    r"ssh (HOST|-L)": ("tests/provisioning/test_inventory.py", "ssh"),
    r"wheelhouse\.sh OUT\.tar\.gz( python3 loadgen)?": ("tests/rehearsal/wheels.py", "wheelhouse"),
    r"pip install -r requirements/tracing\.txt": ("requirements/tracing.txt", "--hash=sha256:"),
    r"sh requirements/compile\.sh":
        ("tests/infra/test_requirements.py", "the_cuts_have_the_versions_of_the_whole"),
    r"redis-cli --user operator": ("tests/coupons/store/test_redis_users.py", "operator"),
    r"apt install fonts-nanum": ("tests/README.md", "the tests don't"),
    r"celery -A config worker --concurrency 2 --without-gossip --without-mingle":
        ("tests/harness/services.py", "commands.worker_command("),
    r"celery -A config worker --queues webhooks,bulk --pool threads .*":
        ("tests/config/test_containers.py", "commands.webhook_worker_command("),
    r"celery -A config beat": ("tests/harness/services.py", "commands.beat_command("),
    r"systemctl status haproxy": ("ansible/roles/front/tasks/main.yml", "haproxy"),
    r"python -m tests\.provisioning\.cloud_server .*":
        ("tests/provisioning/running_cloud.py", "cloud_server"),
    r"python -m tests\.coupons\.guessing": ("tests/coupons/claims/test_guessing.py", "guessing."),
    r"manage\.py upgrade_redis --moment (before|after)":
        ("tests/concurrency/test_release_changes_redis.py", '"upgrade_redis", "--moment"'),
    r"manage\.py notify --test":
        ("tests/coupons/notifications/test_notifications.py", 'call_command("notify", "--test")'),
    r"manage\.py proof_report SLUG":
        ("tests/coupons/proof/test_report.py", 'call_command("proof_report", "sale"'),
    r"python3 config/containers/new_settings\.py var/containers shop\.example":
        ("tests/config/test_containers.py", "config/containers/new_settings.py"),
    r"podman-compose up --detach": ("tests/containers/compose_file.py", "podman_arguments"),
    r"(pip|npm) install openapi-.*|npx openapi-typescript .*|openapi-python-client .*":
        ("tests/printed/test_clients.py", 'block_of("bash", "openapi-python-client")'),
    r"python ansible/roles/monitoring/generate":
        ("tests/infra/test_monitoring.py", '"generate"), "--check"'),
}  # fmt: skip
READ: dict[str, Callable[[str], None]] = {
    r"make .*": readers.read_make,
    r"(\S*/)?python (-m|\S+\.py) .*": readers.read_python,
}
ON_HOSTS = r"(systemctl|journalctl|chronyc) .*"  # tests/infra checks these word by word
MENTIONS = r"(\S*/python )?manage\.py( \w+)?"  # the name of a command, in a sentence


def test_the_pages_are_read() -> None:
    found = {one.command for one in ALL}
    assert {"make run", "manage.py reconcile SLUG --repair", "celery -A config beat"} <= found
    assert len(found) > 80
    assert shell_lines("$ make \\\n   run  # serves\n\n# nothing\n") == ["make run"]


def test_a_page_is_read_to_its_last_command(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "`make\nnew` and `manage.py new X`\n\n    cd nowhere\n    make more\n\n"
        "```sh\ncurl -X POST u \\\n  -H 'a'  # why\n```\n```json\n{}\n```\n"
    )
    found = ["curl -X POST u -H 'a'", "cd nowhere", "make more", "make new", "manage.py new X"]
    assert sorted(commands_of(page)) == sorted(found)


@pytest.mark.parametrize("one", ALL, ids=lambda one: f"{one.page}: {one.command}"[:120])
def test_a_printed_command_is_run_or_parsed(one: object) -> None:
    require_test_for(getattr(one, "command", ""))


def require_test_for(command: str) -> None:
    """Raises AssertionError for a command that no test runs or parses."""
    if command in live.COMMANDS or command.startswith("export "):
        return  # run as printed, by test_live
    if command in page_commands():
        return  # run as printed, by the rehearsal: test_first_coupon
    for form, (file, words) in ELSEWHERE.items():
        if re.fullmatch(form, command):
            assert words in (ROOT / file).read_text(), (file, words)
            return
    if re.fullmatch(ON_HOSTS, command):
        test_monitoring.test_a_command_of_the_runbook_exists(command)
        return
    if re.fullmatch(MENTIONS, command):
        assert command.split()[-1] in {*get_commands(), "manage.py"}, command
        return
    for form, read in READ.items():
        if re.fullmatch(form, command):
            read(command)
            return
    raise AssertionError(f"Nobody runs `{command}`: see tests/printed.")


@pytest.mark.parametrize(
    "command",
    [
        "make nosuch", "make crash-test TIMES=3", "make crash-test CRASH='--only nosuch'",
        "make bench BENCH=nosuch", "python -m provisioning dance --env hello",
        "python -m tests.bench --nosuch", "manage.py nosuch", "manage.py rebuild SLUG --nosuch",
        "curl http://127.0.0.1:8080/nosuch", "systemctl restart coupon-nosuch", "celery -A nosuch",
        'make load LOAD="--nosuch"', "python locust/nosuch.py",
    ],
)  # fmt: skip
def test_a_command_that_does_not_exist_is_found(command: str) -> None:
    with pytest.raises((Exception, SystemExit)):
        require_test_for(command)


def test_every_command_that_is_run_as_printed_is_printed() -> None:
    assert set(live.COMMANDS) - {one.command for one in ALL} == set()


def test_words_are_quoted_so_that_a_shell_reads_them() -> None:
    for one in ALL:
        shlex.split(one.command)
