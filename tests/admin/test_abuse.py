"""Abuse and faults that the admin must survive: guessed passwords, markup in names, an absent
database, two operators who create the same campaign."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.test import Client

from coupons.admin.login import lockout
from coupons.admin.login.lockout import MOST_WRONG
from coupons.campaigns import lifecycle
from coupons.errors import StoreAway
from coupons.models import Campaign
from coupons.store import store
from coupons.store.login_failures import FORGOTTEN_AFTER_S
from tests.admin.test_form import form_errors, form_fields

pytestmark = pytest.mark.slow

LOGIN, LIST, ADD = "/admin/login/", "/admin/coupons/campaign/", "/admin/coupons/campaign/add/"
RIGHT = "correct horse battery staple"
LOCKED = "Too many wrong passwords"


@pytest.fixture
def operator_mina(db: None) -> User:
    return User.objects.create_superuser("mina", password=RIGHT)


def log_in(name: str, password: str) -> Any:
    return Client().post(LOGIN, {"username": name, "password": password})


def is_in(answer: Any) -> bool:
    return bool(answer.status_code == 302)


def test_after_five_wrong_passwords_the_right_one_is_refused_too(operator_mina: User) -> None:
    for _ in range(MOST_WRONG - 1):
        assert LOCKED not in log_in("mina", "guess").content.decode()
    assert LOCKED in log_in("mina", "guess").content.decode()
    refused = log_in("mina", RIGHT)
    assert not is_in(refused)
    assert LOCKED in refused.content.decode()


def test_a_locked_name_is_free_again_after_a_while(operator_mina: User) -> None:
    for _ in range(MOST_WRONG + 3):
        log_in("mina", "guess")
    (key,) = store().client.keys("coupon:login:*")
    assert 0 < store().client.ttl(key) <= FORGOTTEN_AFTER_S
    store().client.delete(key)
    assert is_in(log_in("mina", RIGHT))


def test_a_right_password_forgets_the_wrong_ones(operator_mina: User) -> None:
    for _ in range(3):
        for _ in range(MOST_WRONG - 1):
            log_in("mina", "guess")
        assert is_in(log_in("mina", RIGHT))


def test_others_are_not_locked_out_and_names_that_do_not_exist_look_alike(
    operator_mina: User,
) -> None:
    for _ in range(MOST_WRONG):
        nobody = log_in("nobody", "guess")
    assert LOCKED in nobody.content.decode()
    assert is_in(log_in("mina", RIGHT))
    assert not [key for key in store().client.keys("*") if b"nobody" in key]


@pytest.mark.parametrize("name", ["x" * 5000, "{a}:*", "\x00", "' OR 1=1 --", "ｍｉｎａ", ""])
def test_strange_names_are_refused_like_any_other(operator_mina: User, name: str) -> None:
    assert not is_in(log_in(name, "guess"))


def test_without_redis_operators_get_in(
    operator_mina: User, monkeypatch: pytest.MonkeyPatch
) -> None:

    def raise_store_away() -> Any:
        raise StoreAway("Redis: away")

    monkeypatch.setattr(lockout, "store", raise_store_away)
    assert not is_in(log_in("mina", "guess"))
    assert is_in(log_in("mina", RIGHT))


MARKUP = "<script>alert(1)</script>\"'&{{7*7}}"


def test_markup_in_a_name_stays_text(
    operator_client: Client, draft: Callable[..., Campaign], campaign_url: Callable[..., str]
) -> None:
    draft("sale", name=MARKUP)
    lifecycle.schedule_campaign("sale", actor=MARKUP)
    for address in (
        LIST,
        campaign_url("sale"),
        campaign_url("sale", "history"),
        f"{LIST}?q=%3Cscript%3E",
    ):
        page = operator_client.get(address, follow=True).content.decode()
        assert "<script>alert" not in page, address
        assert "49" not in page.split("{{7*7}}")[0][-20:]


# The database is away


@pytest.fixture
def failing_database(transactional_db: None) -> Iterator[Callable[[int], Client]]:
    """Call it with an error number: all later SQL statements fail with it. Returns an operator."""
    with pytest.MonkeyPatch.context() as lost:

        def fail_from_now(number: int) -> Client:
            client = Client(raise_request_exception=False)
            client.force_login(User.objects.create_superuser("mina"))

            def raise_operational_error(*_: Any, **__: Any) -> None:
                raise OperationalError(number, "Can't connect to MySQL server on 'db.internal'")

            lost.setattr(connection, "cursor", raise_operational_error)
            return client

        yield fail_from_now


@pytest.mark.parametrize("address", [LIST, ADD, "/admin/"])
def test_without_its_database_the_admin_says_so_and_does_not_break(
    failing_database: Callable[[int], Client], address: str
) -> None:
    answer = failing_database(2003).get(address)
    page = answer.content.decode()
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "text/html; charset=utf-8")
    assert int(answer.headers["Retry-After"]) > 0
    assert "The database does not answer" in page
    assert "db.internal" not in page


@pytest.mark.parametrize("language", ["en", "ko"])
def test_without_its_database_a_page_that_was_looked_at_loads_itself_again(
    failing_database: Callable[[int], Client], language: str
) -> None:
    client = failing_database(2003)
    answer = client.get(f"{LIST}?q=a", headers={"Accept-Language": f"{language};q=0.9"})
    page = answer.content.decode()
    assert f'<html lang="{language}">' in page
    assert ("데이터베이스가 응답하지 않습니다" in page) == (language == "ko")
    wait_s = answer.headers["Retry-After"]
    assert f'<a class="again" data-wait-s="{wait_s}" href="{LIST}?q=a">' in page
    assert "pages/again" in page and "was saved" not in page and "last change" not in page


def test_without_its_database_what_was_sent_is_never_sent_again(
    failing_database: Callable[[int], Client],
) -> None:
    page = failing_database(2003).post(ADD, {"slug": "sale"}).content.decode()
    assert "Whether your last change was saved is not known" in page
    assert f'<a href="{ADD}">' in page
    assert "<script" not in page and "<form" not in page


def test_a_fault_of_ours_is_still_a_500(failing_database: Callable[[int], Client]) -> None:
    assert failing_database(1054).get(LIST).status_code == 500


# Two operators


def test_of_two_operators_who_create_the_same_slug_one_gets_an_error(
    operator_client: Client, draft: Callable[..., Campaign], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other operator saves between this one's check and save."""
    fields = form_fields(operator_client, ADD)
    typed = fields | {"slug": "sale", "name": "Mine", "stock": "5", "discount_value": "10",
                     "opens_at": "2030-01-01T12:00:00.000", "closes_at": "2030-01-01T13:00:00.000",
                     "valid_days": "30"}  # fmt: skip
    clean, raced = Campaign.full_clean, threading.Event()

    def then_somebody_else(campaign: Campaign, *how: Any, **more: Any) -> None:
        clean(campaign, *how, **more)
        if not raced.is_set() and campaign.name == "Mine":
            raced.set()
            draft("sale", name="Theirs")

    monkeypatch.setattr(Campaign, "full_clean", then_somebody_else)
    answer = operator_client.post(ADD, typed)
    assert answer.status_code == 200
    assert "already exists" in form_errors(answer)
    assert [each.name for each in Campaign.objects.all()] == ["Theirs"]
