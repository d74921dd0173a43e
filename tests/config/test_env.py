"""Typed readers of settings: a wrong value is a clear error, which shows no secret."""

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env

NAME = "A_SETTING"
SECRET = "5ec2e7" * 11  # 33 bytes in hexadecimal


@pytest.fixture
def set_value(monkeypatch: pytest.MonkeyPatch) -> Any:
    return lambda value: monkeypatch.setenv(NAME, value)


@pytest.fixture
def in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(env, "PRODUCTION", True)


def refusal_message(reader: Any, *args: Any, **more: Any) -> str:
    with pytest.raises(ImproperlyConfigured) as caught:
        reader(NAME, *args, **more)
    message = str(caught.value)
    assert NAME in message
    assert SECRET not in message
    return message


def test_a_text_is_as_given_or_its_default(set_value: Any) -> None:
    assert env.text(NAME, local="here") == "here"
    assert env.text(NAME, default="anywhere") == "anywhere"
    assert env.text(NAME, local="here", default="anywhere") == "here"
    set_value("")
    assert env.text(NAME, local="here") == "here"
    set_value("there")
    assert env.text(NAME, local="here") == "there"


@pytest.mark.usefixtures("in_production")
def test_in_production_a_default_for_laptops_does_not_count() -> None:
    assert ".env.example" in refusal_message(env.text, local="here")
    assert env.text(NAME, local="here", default="anywhere") == "anywhere"
    refusal_message(env.secret, local="x" * 40)
    refusal_message(env.listing, local="*")
    refusal_message(env.secrets_by_id, local="k:" + SECRET)


@pytest.mark.parametrize("value", ["x", "1.5", "1e3", "0x10", "--1", "ten", "1 000"])
def test_an_integer_is_a_whole_number(set_value: Any, value: str) -> None:
    set_value(value)
    assert "not a whole number" in refusal_message(env.integer, 7)


@pytest.mark.parametrize("value", ["0", "11", "-5", str(2**40)])
def test_an_integer_keeps_within_its_bounds(set_value: Any, value: str) -> None:
    set_value(value)
    assert "between 1 and 10" in refusal_message(env.integer, 7, low=1, high=10)


def test_numbers_are_read(set_value: Any) -> None:
    assert (env.integer(NAME, 7), env.seconds(NAME, 0.5)) == (7, 0.5)
    set_value("12")
    assert (env.integer(NAME, 7), env.seconds(NAME, 0.5)) == (12, 12.0)


@pytest.mark.parametrize("value", ["x", "1s", "0,3"])
def test_seconds_are_a_number(set_value: Any, value: str) -> None:
    set_value(value)
    assert "not a number" in refusal_message(env.seconds, 1)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "-0.1", "0.001", "11"])
def test_seconds_keep_within_their_bounds(set_value: Any, value: str) -> None:
    set_value(value)
    assert "between 0.01 and 10" in refusal_message(env.seconds, 1, low=0.01, high=10)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("yes", True), ("True", True), ("1", True), ("no", False), ("FALSE", False), ("0", False)],
)
def test_a_boolean_is_yes_or_no(set_value: Any, value: str, expected: bool) -> None:
    set_value(value)
    assert env.boolean(NAME, default=not expected) is expected


@pytest.mark.parametrize("value", ["on", "y", "2", "nein", " "])
def test_what_is_neither_yes_nor_no_is_refused(set_value: Any, value: str) -> None:
    set_value(value)
    assert "neither yes nor no" in refusal_message(env.boolean, default=True)


def test_a_boolean_left_empty_is_its_default(set_value: Any) -> None:
    set_value("")
    assert env.boolean(NAME, default=True) is True


def test_a_list_is_of_words_between_commas(set_value: Any) -> None:
    assert env.listing(NAME, default="") == []
    assert env.listing(NAME, local="*") == ["*"]
    set_value("")
    assert env.listing(NAME, local="*") == ["*"]
    set_value(" a.example, ,b.example,")
    assert env.listing(NAME, local="*") == ["a.example", "b.example"]


def test_a_secret_is_long(set_value: Any) -> None:
    set_value("s" * 31)
    assert "shorter than 32" in refusal_message(env.secret, local="x" * 40)
    set_value("s" * 32)
    assert env.secret(NAME, local="x" * 40) == "s" * 32


def test_a_file_must_be_there(set_value: Any, tmp_path: Path) -> None:
    assert env.file(NAME) == ""
    set_value(str(tmp_path / "nothing.json"))
    assert "not a file" in refusal_message(env.file)
    set_value(str(tmp_path))
    assert "not a file" in refusal_message(env.file)
    there = tmp_path / "keys.json"
    there.touch()
    set_value(str(there))
    assert env.file(NAME) == str(there)


def test_keys_keep_their_order_and_their_names(set_value: Any) -> None:
    set_value(f"2027-a:{SECRET}, k1:{'00' * 32}")
    keys = env.secrets_by_id(NAME, local="")
    assert list(keys.items()) == [("2027-a", bytes.fromhex(SECRET)), ("k1", bytes(32))]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (SECRET, "not 'id:hex'"),
        (f":{SECRET}", "not 'id:hex'"),
        (f"{'k' * 33}:{SECRET}", "not 'id:hex'"),
        (f"k 1:{SECRET}", "not 'id:hex'"),
        (f"k1:{SECRET},", "key 2 is not"),
        (f"k1:{SECRET[:62]}", "shorter than 32"),
        (f"k1:{SECRET}zz", "not hexadecimal"),
        ("k1:", "shorter than 32"),
        (f"k1:{SECRET},k1:{'00' * 32}", "two keys are called 'k1'"),
    ],
)
def test_a_malformed_key_is_refused_without_showing_it(
    set_value: Any, value: str, why: str
) -> None:
    set_value(value)
    assert why in refusal_message(env.secrets_by_id, local="")
