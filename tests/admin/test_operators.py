"""No two operators may have similar names, even if the database distinguishes them."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

USERS = "/admin/auth/user/"
PASSWORD = "correct horse battery staple"
ALIKE = ["MINA", "mína", "ｍｉｎａ", "mina", "Mina"]


def add_operator(operator: Client, name: str) -> str:
    form = {"username": name, "usable_password": "true", "password1": PASSWORD,
            "password2": PASSWORD}  # fmt: skip
    answer = operator.post(f"{USERS}add/", form)
    return "" if answer.status_code == 302 else answer.content.decode()


@pytest.mark.stores
@pytest.mark.parametrize("name", ALIKE)
def test_13_4_an_operator_with_nearly_the_name_of_another_is_refused(
    operator_client: Client, name: str
) -> None:
    assert "name" in add_operator(operator_client, name)
    assert [user.username for user in User.objects.all()] == ["mina"]


def test_another_name_is_welcome(operator_client: Client) -> None:
    assert add_operator(operator_client, "yujin") == ""
    assert User.objects.filter(username="yujin").exists()


@pytest.mark.parametrize(("name", "accepted"), [("Theo", True), ("theo2", True), ("Mina", False)])
def test_13_4_nor_can_one_be_renamed_so(operator_client: Client, name: str, accepted: bool) -> None:
    theo = User.objects.create_user("theo", is_staff=True)
    form = {"username": name, "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    answer = operator_client.post(f"{USERS}{theo.pk}/change/", form)
    theo.refresh_from_db()
    assert (theo.username == name) is accepted, answer.content.decode()
    assert accepted or "An operator has nearly the same name: mina." in answer.content.decode()
