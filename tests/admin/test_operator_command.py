"""`manage.py operator`: the first operator, without a password on any command line."""

import io
import os
import re
import subprocess
import sys
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django_otp.plugins.otp_totp.models import TOTPDevice

from coupons.admin.login import second_factor
from coupons.models.rights import ROLES
from tests.admin.logins import RIGHT, is_in, log_in
from tests.conftest import Settings

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_hashes")]


def run(*words: str) -> str:
    out = StringIO()
    call_command("operator", *words, stdout=out, stderr=StringIO())
    return out.getvalue()


def link_in(said: str) -> str:
    found = re.search(r"http://localhost:8090(/admin/invitation/\S+)", said)
    assert found is not None, said
    return found[1]


def choose(link: str, password: str, *, browser: Client | None = None) -> Any:
    """Follow the link, and send the form of the page that it leads to."""
    browser = browser or Client()
    page = browser.get(link, follow=True, secure=True)
    path = page.redirect_chain[-1][0] if page.redirect_chain else link
    form = {"new_password1": password, "new_password2": password}
    return browser.post(path, form, secure=True)


def test_a_new_operator_chooses_a_password_by_a_link_that_is_good_once() -> None:
    said = run("mina", "--role", "operator")
    assert said.startswith("mina has the role operator.\n")
    mina = User.objects.get()
    assert not mina.has_usable_password()
    assert (mina.is_staff, mina.is_superuser) == (True, False)
    assert mina.has_perm("coupons.pause_campaign")
    link = link_in(said)
    assert choose(link, RIGHT).headers["Location"] == "/admin/login/"
    assert is_in(log_in("mina", RIGHT))
    again = Client().get(link, secure=True, headers={"Accept-Language": "en"})
    assert "This link was used already" in again.content.decode()
    assert not is_in(choose(link, "another battery staple"))


@pytest.mark.parametrize("password", ["short-one", "thirteen-char", "12345678901234567890",
                                      "11111111111111"])  # fmt: skip
def test_a_weak_password_is_refused_by_the_link(password: str) -> None:
    link = link_in(run("mina", "--role", "viewer"))
    answer = choose(link, password)
    assert answer.status_code == 200
    assert 'role="alert"' in answer.content.decode()
    assert not User.objects.get().has_usable_password()


def test_a_link_is_good_for_a_day(settings: Settings) -> None:
    assert settings.PASSWORD_RESET_TIMEOUT == 86_400
    link = link_in(run("mina", "--role", "viewer"))
    settings.PASSWORD_RESET_TIMEOUT = -1
    assert "too old" in Client().get(link, secure=True).content.decode()


@pytest.mark.parametrize("change", [
    (r"invitation/\w+/", "invitation/MA/"), ("-", "-0"), ("invitation/", "invitation/x"),
])  # fmt: skip
def test_a_changed_link_is_refused(change: tuple[str, str]) -> None:
    link = re.sub(*change, link_in(run("mina", "--role", "viewer")))
    answer = Client().get(link, follow=True, secure=True)
    assert answer.status_code == 200
    assert "<form" not in answer.content.decode()


@pytest.mark.parametrize("role", list(ROLES))
def test_each_role_is_given(role: str) -> None:
    run("mina", "--role", role)
    assert [group.name for group in User.objects.get().groups.all()] == [role]
    assert set(ROLES[role].codenames) <= {
        name.removeprefix("coupons.") for name in User.objects.get().get_all_permissions()
    }


def test_a_second_role_is_added_and_superuser_is_one() -> None:
    run("mina", "--role", "operator")
    assert "invitation" not in run("mina", "--role", "approver")
    assert User.objects.get().groups.count() == 2
    run("mina", "--role", "superuser")
    assert User.objects.get().is_superuser


def test_a_password_comes_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(RIGHT + "\n"))
    assert "mina has a new password." in run("mina", "--role", "viewer", "--password")
    assert is_in(log_in("mina", RIGHT))
    monkeypatch.setattr("sys.stdin", io.StringIO("thirteen-char\n"))
    with pytest.raises(CommandError, match="14 characters"):
        run("mina", "--password")


def test_the_second_factor_is_reset_and_the_password_stays() -> None:
    mina = User.objects.create_user("mina", password=RIGHT, is_staff=True)
    TOTPDevice.objects.create(user=mina, name="app")
    second_factor.make_recovery_codes(mina)
    said = run("mina", "--reset-totp")
    assert "by this link alone" in said and link_in(said)
    assert not second_factor.has_device(mina)
    assert second_factor.codes_left(mina) == 0
    assert is_in(log_in("mina", RIGHT))


@pytest.mark.parametrize(("words", "sentence"), [
    (("nosuch",), "There is no operator 'nosuch'"),
    (("nosuch", "--reset-totp"), "There is no operator 'nosuch'"),
    (("ann",), "Nothing to do"),
    (("ANN", "--role", "viewer"), "nearly the same name: ann"),
    (("a b", "--role", "viewer"), "valid username"),
])  # fmt: skip
def test_a_refusal_is_a_sentence_and_makes_nobody(words: tuple[str, ...], sentence: str) -> None:
    User.objects.create_user("ann")
    with pytest.raises(CommandError, match=sentence) as refused:
        run(*words)
    assert refused.value.returncode == 2
    assert User.objects.count() == 1


def test_the_link_names_the_port_on_which_operators_are_served() -> None:
    code = "from django.conf import settings; print(settings.OPERATORS_SITE)"
    for given, port in ({"OPERATORS_PORT": "31090"}, "31090"), ({}, "8090"):
        done = subprocess.run(
            [sys.executable, "manage.py", "shell", "--no-imports", "-c", code],
            env={**os.environ, "ENV_FILES": "/dev/null", **given},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stdout.strip().endswith(f"http://localhost:{port}")
