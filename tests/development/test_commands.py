"""`make run` and `make demo` as a user runs them: started, used, stopped, started again."""

import json
import os
import signal
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import redis

from config.development.process import ports
from tests.development.laptop import Command, Laptop, all_gone, claim_as_printed
from tests.harness import servers

pytestmark = pytest.mark.slow

RECORD = {
    "told", "stored", "duplicates", "over_issued", "lost", "changed_answers",
    "sold_out_after_s", "stored_after_s", "rps",
    "admitted_p50_ms", "admitted_p99_ms", "sold_out_p50_ms", "sold_out_p99_ms",
    "redeemed", "cancelled", "revoked", "honoured", "refused_late",
}  # fmt: skip


def test_run_serves_stops_and_continues_with_its_data(fresh_laptop: Laptop) -> None:
    first = fresh_laptop.start_serving()
    assert len(first.process_tree()) >= 6
    admitted = claim_as_printed(first)
    assert (admitted["status"], admitted["place"]) == (202, 1)
    again = claim_as_printed(first)
    assert again == admitted | {"status": 200}
    assert first.stop_command(signal.SIGINT) == 0
    assert first.process_tree() == []

    second = fresh_laptop.start_serving()
    assert claim_as_printed(second)["place"] == 2
    assert claim_as_printed(second)["campaign"] == admitted["campaign"]
    assert second.stop_command() == 0
    assert second.process_tree() == []


def test_run_leaves_nothing_behind_even_if_it_is_killed(fresh_laptop: Laptop) -> None:
    command = fresh_laptop.start_serving()
    command.process.kill()
    command.process.wait()
    assert all_gone(command)


def test_run_stops_also_while_it_starts(fresh_laptop: Laptop) -> None:
    command = fresh_laptop.start_run()
    command.until_it_says("valkey")
    assert command.stop_command(signal.SIGINT) == 0
    assert command.output_text.endswith("Everything is stopped.\n")
    assert command.process_tree() == []


@pytest.mark.parametrize(
    "name",
    [
        "WEB_PORT",
        "FLOWER_PORT",
        "VALKEY_PORT",
        "CONSUMER_PORT",
        "OPERATORS_PORT",
        "MERCHANTS_PORT",
        "PAGES_PORT",
        "SHOP_PORT",
    ],
)
def test_run_says_which_port_is_taken(fresh_laptop: Laptop, name: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", int(fresh_laptop.ports[name])))
        other.listen()
        status, said = fresh_laptop.refused_run()
    assert status == 1
    (line,) = said.splitlines()
    assert line.startswith(f"Port {fresh_laptop.ports[name]} (")
    assert line.endswith(f"{name}=NUMBER.")


def test_run_refuses_a_redis_that_may_forget_and_says_what_to_do(
    fresh_laptop: Laptop, tmp_path: Path
) -> None:
    forgetful = ("--maxmemory-policy", "allkeys-lru", "--appendonly", "no")
    with servers.start_redis(tmp_path / "redis", extra=forgetful) as url:
        command = fresh_laptop.start_run(REDIS_URL=url)
        assert command.exit_status() == 1
    assert (
        "its maxmemory-policy is allkeys-lru. Set `maxmemory-policy noeviction`"
        in command.output_text
    )
    assert "manage.py check --tag stores" in command.output_text
    assert not (fresh_laptop.folder / "var" / "coupons.sqlite3").exists()  # nothing was written


def test_run_continues_with_a_warning(fresh_laptop: Laptop, tmp_path: Path) -> None:
    with servers.start_redis(tmp_path / "redis", extra=("--appendonly", "no")) as url:
        command = fresh_laptop.start_run(REDIS_URL=url)
        command.until_it_says("Ctrl-C stops everything.")
        assert command.stop_command() == 0
    assert "! The deciding Redis loses all data when it restarts" in command.output_text


def test_two_runs_do_not_share_a_folder(fresh_laptop: Laptop) -> None:
    fresh_laptop.start_run().until_it_says("Starting")
    second = fresh_laptop.start_run()
    assert second.exit_status() == 1
    assert "is already at work in" in second.output_text


def run_demo(folder: Path, **env: str) -> tuple[Command, dict[str, float]]:
    """Run a small `make demo`; the command and its record."""
    record = folder / "build" / "demo.json"
    play = ("--users", "300", "--stock", "50", "--connections", "16", "--record", str(record))
    command = Command("demo", *play, folder=folder, **env)
    assert command.exit_status() == 0, command.output_text
    return command, json.loads(record.read_text())


def test_demo_plays_an_opening_prints_a_verdict_and_cleans_up(tmp_path: Path) -> None:
    command, record = run_demo(tmp_path)
    assert record.keys() == RECORD
    assert (record["told"], record["stored"]) == (50, 50)
    assert "50 told = 50 stored" in command.output_text
    assert (record["redeemed"], record["cancelled"], record["revoked"]) == (5, 1, 1)
    assert (record["honoured"], record["refused_late"]) == (1, 1)
    assert "5 redeemed, 1 of them cancelled, 1 revoked, 1 expired while held" in command.output_text
    assert command.process_tree() == []
    assert list(tmp_path.glob("coupons-demo-*")) == []


def test_demo_can_be_interrupted(tmp_path: Path) -> None:
    command = Command("demo", folder=tmp_path)
    command.until_it_says("The sale opens in")
    assert command.stop_command(signal.SIGINT) == 130
    assert command.process_tree() == []
    assert list(tmp_path.glob("coupons-demo-*")) == []


def test_demo_fails_with_a_message_if_a_coupon_is_not_stored_as_answered(tmp_path: Path) -> None:
    """The negative control: a row is changed between the sale and the verdict."""
    command = Command("demo", "--users", "60", "--stock", "50", folder=tmp_path)
    command.until_it_says("The sale opens in")
    (database,) = tmp_path.glob("coupons-demo-*/coupons.sqlite3")
    with closing(sqlite3.connect(database, timeout=10)) as hand:
        hand.execute(
            "CREATE TRIGGER forge AFTER INSERT ON coupons_coupon WHEN NEW.place = 50"
            " BEGIN DELETE FROM coupons_coupon WHERE place = 7; END"
        )
        hand.commit()
    assert command.exit_status() == 1
    assert "50 were told that they hold a coupon, but 49 are stored." in command.output_text
    assert "1 person was told a place and code that are not stored." in command.output_text
    assert "The logs are kept in" in command.output_text
    assert command.process_tree() == []


@pytest.mark.skipif("REDIS_URL" not in os.environ, reason="no real servers: see tests/servers.py")
def test_demo_on_given_servers_starts_none_and_keeps_other_data(tmp_path: Path) -> None:
    urls = {name: os.environ[name] for name in ("REDIS_URL", "DATABASE_URL") if name in os.environ}
    with redis.Redis.from_url(urls["REDIS_URL"]) as client:
        client.set("somebody", "else")
        command, record = run_demo(tmp_path, **urls)
        assert client.getdel("somebody") == b"else"
    assert (record["told"], record["stored"]) == (50, 50)
    assert "valkey" not in command.output_text
    assert "is closed and stays in the stores" in command.output_text


def test_demo_says_when_the_given_redis_is_away(tmp_path: Path) -> None:
    port = ports.free_port()
    command = Command("demo", folder=tmp_path, REDIS_URL=f"redis://:secret@127.0.0.1:{port}/0")
    assert command.exit_status() == 1
    assert f"No Redis answers at 127.0.0.1:{port}" in command.output_text
    assert "secret" not in command.output_text
