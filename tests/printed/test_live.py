"""Issue 12, 27: the commands that our pages and `make run` print are run as printed, by a shell in
a copy of the checkout, beside one `make run`, and on the test cloud.

Only two things are replaced: the ports (8080 may be in use on this machine) and the placeholders
(SLUG, NAME, API, CONSUMER).
"""

import json
import re
import shlex
import subprocess
import time
import urllib.request
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import boto3
import pytest
import redis

from config.development.process.programs import Program
from tests.harness import servers
from tests.harness.checkout_copy import Copy
from tests.printed import live
from tests.printed.pages import ROOT, shell_lines
from tests.provisioning.running_cloud import serve_cloud

pytestmark = pytest.mark.slow

PATIENCE_S = 180
PYTHON = ".venv/bin/python"


class Site:
    """A copy of the checkout in which `make run` is running."""

    def __init__(self, copy: Copy, said: Callable[[], str]) -> None:
        self.copy, self.said = copy, said
        self.valkey = redis.Redis(port=copy.ports["VALKEY_PORT"], decode_responses=True)

    def run_shell(self, command: str, may_be: Collection[int] = (0,)) -> str:
        """Run the command, return its standard output. Fails unless its status is in may_be."""
        done = subprocess.run(
            ["sh", "-c", command], cwd=self.copy.folder, env=self.copy.env,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S,
        )  # fmt: skip
        assert done.returncode in may_be, (command, done.stdout[-2000:], done.stderr[-2000:])
        assert "Traceback" not in done.stderr, (command, done.stderr)
        return done.stdout

    def adapt_command(self, command: str) -> str:
        """The command with the ports of this site, and its placeholders filled in."""
        ports, slug = self.copy.ports, live.AHEAD if "--override" in command else live.SLUG
        for word, here in (
            (":8080/", f":{ports['WEB_PORT']}/"),
            ("API:8090", f"127.0.0.1:{ports['OPERATORS_PORT']}"),
            ("CONSUMER:8081", f"127.0.0.1:{ports['CONSUMER_PORT']}"),
            ("SLUG", slug), ("NAME", live.NAME),
        ):  # fmt: skip
            command = command.replace(word, here)
        return re.sub(r"^manage\.py", f"{PYTHON} manage.py", command)


@pytest.fixture(scope="module")
def running_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    copy = Copy(tmp_path_factory.mktemp("printed"))
    with copy.making("-o", ".venv/run", "run") as said:
        wait_until(lambda: "Ctrl-C stops everything." in said(), said)
        yield Site(copy, said)


def wait_until(true: Callable[[], bool], said: Callable[[], str]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, said()[-3000:]
        time.sleep(0.1)


def test_the_first_curl_of_the_readme_claims_a_coupon(running_site: Site) -> None:
    said = json.loads(running_site.run_shell(running_site.adapt_command(live.FIRST_CURL)))
    assert said["campaign"] == live.SLUG
    assert {"nth", "place", "code", "receipt", "admitted_at", "expires_at", "status_url"} < set(
        said
    )
    assert json.loads(running_site.run_shell(running_site.adapt_command(live.FIRST_CURL))) == said


def test_what_make_run_prints_can_be_typed(running_site: Site) -> None:
    """The token and both curl commands in one shell, the second token, and every address."""
    shown = shell_lines(
        "".join(re.findall(r"^  ((?:TOKEN=|curl ).*\n)", running_site.said(), re.MULTILINE))
    )
    assert len(shown) == 3
    claimed, looked_up = (
        json.loads(part)
        for part in running_site.run_shell("; echo; ".join(shown)).split("\n")
        if part
    )
    assert claimed["code"]
    assert looked_up["place"] == claimed["place"]
    (other,) = re.findall(r"^  (.*manage\.py user_token \w+)$", running_site.said(), re.MULTILINE)
    assert running_site.run_shell(other).count(".") == 2
    addresses = re.findall(
        r"^  (?:API|API docs|Admin|Flower|Metrics) .*", running_site.said(), re.MULTILINE
    )
    found = [url.rstrip(",") for line in addresses for url in re.findall(r"http\S+", line)]
    assert len(found) == 6
    for url in found:
        with urllib.request.urlopen(_login(running_site, url), timeout=60) as answer:
            assert answer.status == 200, url


def _login(site: Site, url: str) -> str:
    """The URL without a login: Flower's is printed with one in it."""
    return url if "@" not in url else re.sub(r"//[^@]+@", "//", url)


@pytest.mark.parametrize("command", live.CURLS)
def test_a_curl_of_the_runbook_is_answered(running_site: Site, command: str) -> None:
    assert json.loads(running_site.run_shell(running_site.adapt_command(command)))


def test_the_commands_of_the_pages_do_what_they_say(running_site: Site) -> None:
    ahead = f"{PYTHON} manage.py new_campaign {live.AHEAD} --stock 5 --opens-in 7200"
    assert json.loads(running_site.run_shell(ahead))["slug"] == live.AHEAD
    for command, may_be in live.MANAGE.items():
        running_site.run_shell(running_site.adapt_command(command), may_be=may_be)


def test_a_damaged_key_is_put_aside_and_made_anew_as_the_runbook_says(running_site: Site) -> None:
    """Its four commands in order; redis-cli's through redis-py: redis-cli may not be installed."""
    slug = "damaged-1"
    running_site.run_shell(f"{PYTHON} manage.py new_campaign {slug} --stock 5 --opens-in 7200")
    kind = str(min(running_site.valkey.keys(f"coupon:{{{slug}}}:*"))).rpartition(":")[2]
    rename = live.RENAME.replace("SLUG", slug).replace(":KEY", f":{kind}")
    running_site.valkey.execute_command(*shlex.split(rename)[1:])  # type: ignore[no-untyped-call]
    running_site.run_shell(f"{PYTHON} manage.py rebuild {slug}")
    running_site.run_shell(f"{PYTHON} manage.py reconcile {slug} --repair")


@pytest.mark.parametrize("command", live.SERVICES)
def test_a_service_starts_by_the_command_of_its_table(
    running_site: Site, command: str, tmp_path: Path
) -> None:
    port = servers.free_port()
    (tmp_path / "counts").mkdir()
    more = {
        "DOOR": "users", "CONSUMER_PORT": str(port),
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "counts"),
        "PATH": f"{running_site.copy.folder}/.venv/bin:{running_site.copy.env['PATH']}",
    }  # fmt: skip
    words = shlex.split(command.replace("8180", str(port)))
    env, log = running_site.copy.env | more, tmp_path / "log"
    service = Program("service", words, env=env, log=log, cwd=running_site.copy.folder)
    try:
        service.wait_until(lambda: servers.is_listening(port), patience_s=servers.START_S)
    finally:
        service.kill()  # also workers that are still starting


# On AWS


@contextmanager
def start_cloud_server(folder: Path) -> Iterator[dict[str, str]]:
    with serve_cloud(folder) as url:
        yield {
            "AWS_ACCESS_KEY_ID": "of-a-test", "AWS_SECRET_ACCESS_KEY": "of-a-test",
            "AWS_ENDPOINT_URL": url, "AWS_CONFIG_FILE": str(folder / "none"),
            "AWS_SHARED_CREDENTIALS_FILE": str(folder / "none"),
            "COUPON_KEYS_DIR": str(folder / "keys"),
        }  # fmt: skip


def make_certificate(url: str) -> str:
    """The ARN of a certificate that exists in the test cloud."""
    acm = boto3.client(
        "acm", endpoint_url=url, region_name="ap-northeast-2",
        aws_access_key_id="of-a-test", aws_secret_access_key="of-a-test",
    )  # fmt: skip
    return str(acm.request_certificate(DomainName="coupons.example")["CertificateArn"])


def aws_block() -> list[str]:
    """The README's commands from the exports up to the installation by Ansible."""
    text = (ROOT / "README.md").read_text()
    (block,) = (one for one in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) if "export " in one)
    found = shell_lines(block)
    return found[: next(n for n, line in enumerate(found) if line.startswith("cd "))]


def test_the_deployment_to_aws_works_as_the_readme_prints_it(tmp_path: Path) -> None:
    block = aws_block()
    assert tuple(line for line in block if not line.startswith("export ")) == live.AWS
    copy = copy_checkout(tmp_path)
    with start_cloud_server(tmp_path) as settings:
        there = make_certificate(settings["AWS_ENDPOINT_URL"])
        block = [re.sub(r"arn:aws:acm:\S+", there, line) for line in block]
        done = subprocess.run(
            ["sh", "-ec", "\n".join(block)], cwd=copy.folder, env=copy.env | settings,
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=timedelta(minutes=10).total_seconds(),
        )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "a month" in done.stdout + done.stderr
    assert (copy.folder / "build/inventory/production/hosts.yml").is_file()


def copy_checkout(folder: Path) -> Copy:
    (folder / "checkout").mkdir()
    return Copy(folder / "checkout")


def test_without_an_operators_address_plan_says_how_to_give_one(tmp_path: Path) -> None:
    copy = copy_checkout(tmp_path)
    words = ["make", "-s", "-o", ".venv/tools", "plan", "ENV=production"]
    done = subprocess.run(
        words, cwd=copy.folder, env=copy.env, capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert done.returncode == 2
    assert "COUPON_OPERATOR" in done.stderr
    assert "Traceback" not in done.stderr
