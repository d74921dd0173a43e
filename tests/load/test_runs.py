"""Real runs of Locust against a real site: the exit code is the verdict."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from config.development.process import commands
from coupons.models import Campaign, CouponEvent, CouponLife
from tests.harness import servers
from tests.load.conftest import TOP, Site

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "record.json"


def run_locust(environment: dict[str, str], host: str, record: Path, *more: str) -> int:
    command = [
        sys.executable, "-m", "locust", "-f", "locust/locustfile.py", "--headless",
        "--only-summary", "--host", host, "--record", str(record), "--gather", "4",
        "--seconds", "2", "--users", "120", "--stock", "40", *more,
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=TOP, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    print(done.stdout[-2000:], done.stderr[-4000:])
    return done.returncode


def read_record(record: Path) -> Any:
    return json.loads(record.read_text())


def test_an_opening_on_a_true_site_ends_well(
    site: Site, site_environment: dict[str, str], record: Path
) -> None:
    assert run_locust(site_environment, site(), record) == 0
    said = read_record(record)
    assert said["verdict"] | {"faults": []} == {
        "told": 40, "stored": 40, "asked_back": 40, "faults": [], "well": True,
    }  # fmt: skip
    counts = {group: times["count"] for group, times in said["figures"]["outcomes"].items()}
    assert (counts["admitted"], counts["sold_out"]) == (40, 80)
    assert said["figures"]["configured_per_s"] == 60


def test_winners_check_out_and_every_step_is_stored(
    site: Site, site_environment: dict[str, str], record: Path
) -> None:
    """One process serves all doors here."""
    host = site()
    status = run_locust(
        site_environment, host, record, "--scenario", "redeem", "--merchants", host,
        "--users", "60", "--stock", "20",
    )  # fmt: skip
    assert (status, read_record(record)["verdict"]["faults"]) == (0, [])
    states = CouponLife.objects.values_list("state", flat=True)
    assert sorted(states) == ["issued"] * 2 + ["redeemed"] * 18
    assert CouponEvent.objects.filter(verb="reserve").count() == 20


def test_a_checkout_that_is_refused_is_a_fault(
    site: Site, site_environment: dict[str, str], record: Path
) -> None:
    host = site()
    wrong = site_environment | {"COUPONS_KEY": "cpk_live_nothing1.of-ours"}
    status = run_locust(
        wrong, host, record, "--scenario", "redeem", "--merchants", host,
        "--users", "20", "--stock", "5",
    )  # fmt: skip
    faults = read_record(record)["verdict"]["faults"]
    assert status == 1
    assert any("quote was answered 401 bad_key" in fault for fault in faults)


@pytest.mark.parametrize("around", ["{}/", " {}// ", "{}?"])
def test_an_address_with_a_slash_is_the_same_address(
    site: Site, site_environment: dict[str, str], record: Path, around: str
) -> None:
    """All users get the page and claim; a run with an exception must fail."""
    host = site(worker=False)
    status = run_locust(site_environment, around.format(host), record, "--storing", "1")
    said = read_record(record)
    assert (said["target"], said["figures"]["exceptions"]) == (host, 0)
    assert (status, said["verdict"]["told"]) == (1, 40)  # no worker runs


def test_the_real_operators_door_gets_no_campaign(
    site_environment: dict[str, str], record: Path, tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    port, env = servers.free_port(), site_environment | {"DOOR": "operators"}
    web, log = commands.granian_command(port), tmp_path / "operators.log"
    with servers.start_process(web, ready=lambda: servers.is_listening(port), log=log, env=env):
        assert run_locust(site_environment, f"http://127.0.0.1:{port}", record) == 2
    assert not Campaign.objects.exists()
    (line,) = error_lines(capfd)
    assert "is not the users' API of a coupon site: it answers 404" in line


def test_a_site_that_tells_and_does_not_store_is_found_out(
    site: Site, site_environment: dict[str, str], record: Path
) -> None:
    """No worker drains: all users were told, nothing is stored."""
    host = site(worker=False)
    assert run_locust(site_environment, host, record, "--storing", "1") == 1
    verdict = read_record(record)["verdict"]
    assert (verdict["told"], verdict["stored"], verdict["well"]) == (40, 0, False)


def test_two_load_processes_have_different_people_and_one_verdict(
    site: Site, site_environment: dict[str, str], record: Path
) -> None:
    status = run_locust(
        site_environment, site(), record, "--processes", "2", "--scenario", "retries",
        "--users", "60", "--master-bind-host", "127.0.0.1",
    )  # fmt: skip
    assert status == 0
    said = read_record(record)
    assert (said["verdict"]["told"], said["verdict"]["stored"]) == (40, 40)
    assert said["figures"]["asks_in_all"]["already_claimed"] > 0


def another_site() -> AbstractContextManager[str]:
    """Another web server, which answers but has no coupons."""
    return serve_handler(SimpleHTTPRequestHandler)


class ProblemDocuments(SimpleHTTPRequestHandler):
    """As the operators' door: unknown paths get a 404 problem document."""

    def do_GET(self) -> None:
        body = json.dumps({"title": "There is nothing here", "status": 404, "code": "not_found"})
        self.send_response(404)
        self.send_header("Content-Type", "application/problem+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())


class Redirects(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(301)
        self.send_header("Location", "http://127.0.0.1:1/")
        self.send_header("Content-Length", "0")
        self.end_headers()


@contextmanager
def serve_handler(handler: type[SimpleHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def operators_door() -> AbstractContextManager[str]:
    return serve_handler(ProblemDocuments)


def redirecting_site() -> AbstractContextManager[str]:
    return serve_handler(Redirects)


@contextmanager
def closed_port() -> Iterator[str]:
    yield f"http://127.0.0.1:{servers.free_port()}"


WRONG_HOSTS: dict[str, tuple[Callable[[], AbstractContextManager[str]], str]] = {
    "nobody": (closed_port, "no site answers at"),
    "another site": (another_site, "of a coupon site"),
    "the operators' door": (
        operators_door,
        "is not the users' API of a coupon site: it answers 404",
    ),
    "a redirect": (redirecting_site, "it answers 301"),
    "a path": (lambda: nullcontext("http://127.0.0.1:1/shop"), "has a path"),
    "a query": (lambda: nullcontext("http://127.0.0.1:1/?a=1"), "has a query"),
    "a user": (lambda: nullcontext("http://mina:pw@127.0.0.1:1"), "has a user or a password"),
    "a fragment": (lambda: nullcontext("http://127.0.0.1:1#top"), "has a fragment"),
    "a blank inside": (lambda: nullcontext("http://127.0 .0.1:1"), "is no address of a site"),
    "no scheme": (lambda: nullcontext("127.0.0.1:8080"), "is no address of a site"),
    "no address": (lambda: nullcontext("http://"), "is no address of a site"),
    "a name that is none": (lambda: nullcontext("http://no..name"), "is no address of a site"),
}


@pytest.mark.parametrize("host", WRONG_HOSTS)
def test_12_18_a_wrong_host_makes_no_campaign_and_says_so_in_one_line(
    site_environment: dict[str, str], record: Path, host: str, capfd: pytest.CaptureFixture[str]
) -> None:
    where, why = WRONG_HOSTS[host]
    with where() as url:
        assert run_locust(site_environment, url, record) == 2
    assert not Campaign.objects.exists()
    assert not record.exists()
    (line,) = error_lines(capfd)
    assert "There is no campaign to claim from" in line
    assert why in line


def test_12_18_a_site_that_knows_another_secret_gets_no_campaign(
    site: Site, site_environment: dict[str, str], record: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """As `make load` with its built-in secret beside a `make run`: 401 for all users."""
    host = site(worker=False)
    assert run_locust(site_environment | {"JWT_HS256_SECRET": "x" * 40}, host, record) == 2
    assert not Campaign.objects.exists()
    (line,) = error_lines(capfd)
    assert "does not accept the tokens that are signed here: JWT_HS256_SECRET" in line


def test_12_18_a_campaign_on_another_database_is_closed_again(
    site: Site, site_environment: dict[str, str], record: Path, tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """The site accepts our tokens but has another database, which shows when the campaign is
    created."""
    elsewhere = {"DATABASE_URL": f"sqlite:///{tmp_path}/elsewhere.sqlite3"}
    migrate = [sys.executable, "manage.py", "migrate", "-v0"]
    subprocess.run(migrate, cwd=TOP, env=site_environment | elsewhere, check=True)
    with servers.start_redis(tmp_path / "redis") as redis_url:
        elsewhere |= {"REDIS_URL": redis_url, "CELERY_BROKER_URL": redis_url}
        assert run_locust(site_environment | elsewhere, site(worker=False), record) == 2
    (line,) = error_lines(capfd)
    assert "does not know load-opening-" in line
    assert "It was created for this run and is closed again." in line
    with closing(sqlite3.connect(tmp_path / "elsewhere.sqlite3")) as rows:
        assert rows.execute("SELECT state FROM coupons_campaign").fetchall() == [("closed",)]


def error_lines(capfd: pytest.CaptureFixture[str]) -> list[str]:
    """Output lines other than Locust's own INFO lines and its empty tables."""
    said = capfd.readouterr()
    lines = (said.out + said.err).splitlines()
    assert not any("Traceback" in line for line in lines), lines
    return [line for line in lines if "/ERROR/" in line]


def test_12_8_people_come_later_where_gathering_them_took_too_long(
    site: Site, site_environment: dict[str, str], record: Path
) -> None:
    """As on a busy machine: the time for all users to arrive ends before the first arrives."""
    late = ("--gather", "0.1", "--ready", "60000", "--warm-up", "0.1", "--seconds", "1")
    who = ("--scenario", "saturate", "--users", "8")
    assert run_locust(site_environment, site(), record, *who, *late) == 0
    assert read_record(record)["verdict"]["stored"] == 40


def test_a_new_campaign_is_awaited_that_the_site_does_not_know_yet(
    site: Site, site_environment: dict[str, str], record: Path
) -> None:
    """The web process has just read which campaigns there are, and remembers it for four seconds.
    Creating one takes about a second."""
    site_environment["FACTS_TTL_S"] = "4"
    people = ("--strategy", "direct", "--users", "8", "--stock", "4")
    assert run_locust(site_environment, site(worker=False), record, *people) == 0
    assert read_record(record)["verdict"]["stored"] == 4
