"""Redis' users: each does the whole of its work with its rights, and nothing else.

The rules are those of the role `redis`. Each user's work is done on a real Redis, which keeps a
list of everything that it refused (ACL LOG): after a piece of work that list must be empty.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection
from io import StringIO
from pathlib import Path
from typing import Any

import jinja2
import pytest
import redis
import yaml
from django.core.management import call_command
from django.test import Client

from config import env
from config.development.process import commands
from coupons import tasks
from coupons.admission import strategies
from coupons.attempts import moving
from coupons.campaigns import lifecycle, lookup
from coupons.claims.values import Claim
from coupons.identity import user_tokens
from coupons.models import Campaign, Coupon, RefusalBucket
from coupons.observability import refusal_notes
from coupons.readiness import board
from coupons.store import store
from tests.conftest import CampaignMaker, Person
from tests.coupons.campaigns.sales import Broker
from tests.harness import servers, services
from tests.harness.store_override import forget_store

VARIABLES = env.BASE_DIR / "ansible/roles/redis/vars/main.yml"
PASSWORD = "of-the-tests-alone"
USERS = ("web", "worker", "operator", "metrics")


def acl_rules(user: str) -> str:
    """A user's rules in one line, as the role's template renders them."""
    variables = yaml.safe_load(VARIABLES.read_text())
    render = jinja2.Environment(autoescape=False).from_string
    plain = {name: text for name, text in variables.items() if isinstance(text, str)}
    for _ in plain:  # one may name another
        plain = {name: render(text).render(plain) for name, text in plain.items()}
    rules = variables["redis_users"][user]
    words = (rules["keys"], rules["channels"], "-@all", render(rules["commands"]).render(plain))
    return " ".join(" ".join(words).split())


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[str]:
    """The URL of the default user of a Redis that has all users."""
    with servers.start_redis(tmp_path / "guarded") as url:
        with redis.Redis.from_url(url) as client:
            for user in USERS:
                rules = ("reset", "on", f">{PASSWORD}", *acl_rules(user).split())
                client.execute_command("ACL", "SETUSER", user, *rules)
        yield url


def url_of(user: str, url: str) -> str:
    return url.replace("redis://", f"redis://{user}:{PASSWORD}@")


@contextmanager
def acting(user: str, url: str, settings: Any) -> Iterator[None]:
    """Our store calls as this user. Nothing of it may have been refused."""
    settings.REDIS_URL = url_of(user, url)
    forget_store()
    yield
    with redis.Redis.from_url(url, decode_responses=True) as client:
        refused = client.execute_command("ACL", "LOG")
        client.execute_command("ACL", "LOG", "RESET")
    assert not refused, refused


# Each does its work


def test_web_does_the_whole_of_its_work(
    guarded: str, settings: Any, open_campaign: CampaignMaker, fake_broker: Broker
) -> None:
    with acting("web", guarded, settings):
        open_campaign(stock=1, waitlist_limit=5)
        assert Person("jun").claims().status_code == 202
        assert Person("mina").claims().status_code == 409
        for path in ("campaigns/sale", "campaigns/sale/live", "campaigns/sale/claims/me"):
            assert Person("jun").asks(path).status_code == 200
        waits = Person("bob").client.post("/api/v1/campaigns/sale/waitlist")
        assert waits.status_code in (200, 201, 202), waits.content
        assert Person("bob").client.delete("/api/v1/campaigns/sale/waitlist").status_code < 300
        lookup.clear_snapshots()
        board.readiness_board("sale")


COMMANDS = (
    "reconcile sale", "upgrade_redis", "upgrade_redis --moment after", "check --tag stores",
    "definitions", "replay_parked sale", "unlock --all", "rebuild sale --yes", "campaign sale",
)  # fmt: skip


def test_web_operates_a_campaign(
    guarded: str, settings: Any, open_campaign: CampaignMaker, fake_broker: Broker
) -> None:
    with acting("web", guarded, settings):
        open_campaign()
        strategies.admit(lookup.find_snapshot("sale"), Claim("jun"))
        lifecycle.pause_campaign("sale", actor="ann")
        strategies.admit(lookup.find_snapshot("sale"), Claim("bob"))
        refusal_notes.hand_on_notes()
        lifecycle.change_stock("sale", stock=20, actor="ann")
        lifecycle.resume_campaign("sale", actor="ann")
        for words in COMMANDS:
            try_command(*words.split())
        lifecycle.close_campaign("sale", actor="ann")
        login = Client().post("/admin/login/", {"username": "ann", "password": "wrong-password"})
        assert login.status_code == 200


def try_command(*words: str) -> None:
    """Whatever it answers: whether Redis refused something is what counts."""
    try:
        call_command(*words, stdout=StringIO(), stderr=StringIO())
    except Exception as error:
        assert "NOPERM" not in repr(error), words


def test_a_worker_does_the_whole_of_its_work(
    guarded: str, settings: Any, open_campaign: CampaignMaker, fake_broker: Broker
) -> None:
    with acting("web", guarded, settings):
        open_campaign()
        strategies.admit(lookup.find_snapshot("sale"), Claim("jun"))
        refusal_notes.note_refusal("sale", "bob", 1, "sold_out")
        refusal_notes.hand_on_notes()
    with acting("worker", guarded, settings):
        for task in (tasks.sweep, tasks.canary, tasks.guard, tasks.compare_the_stores):
            task()
        tasks.drain("sale")
        tasks.drain_each(["sale"])
        assert Coupon.objects.count() == 1
        with redis.Redis.from_url(guarded) as client:
            client.xadd("coupon:{sale}:queue", {"not": "a claim"})
        tasks.drain("sale")  # parks it
        assert store().queue.parked_entries("sale", count=5)
        for task in (tasks.sweep, tasks.tend_webhooks, tasks.deliver, tasks.forget_old_calls):
            task()
        counts = store().refusals.read_note_counts(["sale"])["sale"]
        assert counts.made == 1
        moving.move_campaign(Campaign.objects.get(), counts, until=lambda: False)
        assert RefusalBucket.objects.exists()


@pytest.mark.slow
def test_a_site_whose_hosts_have_users_of_their_own_keeps_its_word(
    guarded: str, settings: Any, child_environment: dict[str, str], tmp_path: Path,
    open_campaign: CampaignMaker,
) -> None:  # fmt: skip
    """Real processes: web, workers, beat, consumer and Flower; the default user is off."""
    with acting("web", guarded, settings):
        open_campaign(stock=50)
    turn_off_default(guarded)
    web, worker = (
        child_environment | {"REDIS_URL": url, "CELERY_BROKER_URL": url}
        for url in (url_of("web", guarded), url_of("worker", guarded))
    )
    token = user_tokens.mint_token("jun")
    with ExitStack() as stack:
        port = stack.enter_context(services.start_web(web, tmp_path))
        for start in (services.start_worker, services.start_webhook_worker, services.start_beat):
            stack.enter_context(start(worker, tmp_path))
        stack.enter_context(services.start_consumer(worker, tmp_path))
        stack.enter_context(started_flower(worker, tmp_path))
        assert asked(port, "POST", "/api/v1/campaigns/sale/claims", token) == 202
        until = time.monotonic() + 120
        while not Coupon.objects.exists() and time.monotonic() < until:
            time.sleep(0.1)
        assert Coupon.objects.count() == 1, (tmp_path / "worker.log").read_text()[-3000:]
        time.sleep(6)  # so that periodic tasks come: the canary's and the reconciliation's
    with redis.Redis.from_url(url_of("tests", guarded), decode_responses=True) as client:
        refused = client.execute_command("ACL", "LOG")
    assert not [entry for entry in refused if "default" not in str(entry)], refused
    logs = "".join(log.read_text() for log in tmp_path.glob("*.log"))
    assert "NOPERM" not in logs


def turn_off_default(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.execute_command("ACL", "SETUSER", "tests", "on", f">{PASSWORD}", "+@all", "~*", "&*")
        client.execute_command("ACL", "LOG", "RESET")
        client.execute_command("ACL", "SETUSER", "default", "off")


@contextmanager
def started_flower(environment: dict[str, str], folder: Path) -> Iterator[None]:
    port = servers.free_port()
    command = commands.flower_command("--port", str(port))
    ready = lambda: servers.is_listening(port)  # noqa: E731
    with servers.start_process(command, ready=ready, log=folder / "flower.log", env=environment):
        assert asked(port, "GET", "/broker") == 200
        yield


def asked(port: int, method: str, path: str, token: str = "") -> int:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request(method, path, headers=headers | {"Content-Length": "0"})
        return connection.getresponse().status


# And nothing else

QUEUE = "coupon:{sale}:queue"
NOBODY = (
    "FLUSHALL", "FLUSHDB", "KEYS *", "CONFIG SET save x", "CONFIG REWRITE", "ACL LIST",
    "ACL SETUSER web +@all", "ACL GETUSER web", "SCRIPT FLUSH", "SCRIPT KILL", "FUNCTION FLUSH",
    "DEBUG SLEEP 0", "MONITOR", "SHUTDOWN NOSAVE", "REPLICAOF NO ONE", "SLAVEOF NO ONE", "FAILOVER",
    "SAVE", "BGREWRITEAOF", "SWAPDB 0 1", f"RENAME {QUEUE} x", "MODULE LIST", "MIGRATE h 1 k 0 1",
    "RESTORE k 0 x", "COPY a b", "CLIENT KILL TYPE normal", "CLIENT PAUSE 1", "LATENCY RESET",
    "SLOWLOG RESET", "OBJECT ENCODING k", "SET other 1", "GET other", "PUBLISH other x", "MOVE k 1",
)  # fmt: skip
REFUSED = {
    "web": (
        *NOBODY, "CONFIG GET *", "SCRIPT LOAD x", f"XREADGROUP GROUP drain me STREAMS {QUEUE} >",
        f"XAUTOCLAIM {QUEUE} drain me 0 0", f"XTRIM {QUEUE} MAXLEN 0",
        f"XGROUP DESTROY {QUEUE} drain", "BRPOP cq:celery 1", "SUBSCRIBE other",
    ),
    "worker": (
        *NOBODY, "CONFIG GET *", "GET coupon:logins:{login}", "HGETALL coupon:login:{login}:x",
        "DEL coupon:login:{login}:x", f"XTRIM {QUEUE} MAXLEN 0", f"XGROUP DESTROY {QUEUE} drain",
    ),
    "operator": (
        *NOBODY, "CONFIG SET maxmemory 1", f"XADD {QUEUE} * u ann", "DEL coupon:{sale}:gate",
        "HSET coupon:{sale}:gate stock 9", "LPUSH cq:celery x", "EVAL x 0", "EVALSHA x 0",
    ),
    "metrics": (
        *NOBODY, "CONFIG GET *", "GET coupon:server", f"XADD {QUEUE} * u ann", "SCAN 0",
        "EVAL x 0", "LRANGE cq:celery 0 1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("user", USERS)
def test_each_forbidden_command_is_refused_and_the_default_user_may_send_it(
    guarded: str, user: str
) -> None:
    with redis.Redis.from_url(guarded, decode_responses=True) as default:
        for line in REFUSED[user]:
            words = line.split(" ")
            said = default.execute_command("ACL", "DRYRUN", user, *words)
            assert said != "OK", f"{user} may send {line}"
            assert "permission" in said, said
            assert default.execute_command("ACL", "DRYRUN", "default", *words) == "OK", line


def test_a_script_of_ones_own_does_no_more_than_its_caller(guarded: str) -> None:
    """EVAL is a right of services; what a script calls is judged as if they called it."""
    script = "return redis.call('{}')"
    for user in ("web", "worker"):
        with redis.Redis.from_url(url_of(user, guarded)) as client:
            assert client.eval("return 1", 0) == 1
            for command in ("FLUSHALL", "KEYS', '*", "DEL', 'other"):
                with pytest.raises(redis.ResponseError, match=r"can't (run|access)"):
                    client.eval(script.format(command), 0)
            with pytest.raises(redis.ResponseError, match=r"can't access|permission"):
                client.eval("return redis.call('SET', KEYS[1], 1)", 1, "other")
    with redis.Redis.from_url(guarded) as default:
        assert default.eval(script.format("FLUSHALL"), 0)


def test_who_has_a_users_password_is_no_other_user(guarded: str) -> None:
    turn_off_default(guarded)
    for url in (guarded, guarded.replace("redis://", "redis://nobody:x@")):
        with (
            redis.Redis.from_url(url) as client,
            pytest.raises(redis.AuthenticationError),
        ):
            client.ping()
