"""`manage.py merchant`: JSON out, a key printed once, sentences for what is wrong."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from coupons.errors import BadKey
from coupons.merchants import api_keys
from coupons.models import Merchant, MerchantKey

pytestmark = pytest.mark.django_db


def merchant(*words: str) -> Any:
    out = StringIO()
    call_command("merchant", *words, stdout=out)
    return json.loads(out.getvalue())


def test_from_a_merchant_to_a_revoked_key() -> None:
    assert merchant("create", "shop", "--name", "The shop")["keys"] == []
    made = merchant("key", "shop", "--scopes", "read,redeem", "--name", "backend")
    assert api_keys.verify_key(made["key"]).scopes == {"read", "redeem"}
    rolled = merchant("roll", made["prefix"], "--overlap-days", "0")
    assert api_keys.verify_key(rolled["key"]).merchant == "shop"
    with pytest.raises(BadKey):
        api_keys.verify_key(made["key"])
    assert merchant("revoke", rolled["prefix"], "--yes")["revoked"] is True
    with pytest.raises(BadKey):
        api_keys.verify_key(rolled["key"])
    (shown,) = merchant("list", "shop")
    assert {key["prefix"]: key["replaced_by"] for key in shown["keys"]} == {
        made["prefix"]: rolled["prefix"],
        rolled["prefix"]: None,
    }
    assert made["key"].partition(".")[2] not in json.dumps(shown)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["create", "shop"], "slug: Merchant with this Slug already exists."),
        (["create", "A shop"], "slug: a-z, 0-9 and hyphens."),
        (["create"], "`create` needs a name after it."),
        (["key", "shop"], "Give --scopes, of: read,"),
        (["key", "nosuch", "--scopes", "read"], "There is no merchant 'nosuch'."),
        (["list", "nosuch"], "There is no merchant 'nosuch'."),
        (["roll", "aaaaaaaa"], "There is no key 'aaaaaaaa'."),
        (["revoke", "aaaaaaaa"], "There is no key 'aaaaaaaa'."),
    ],
)
def test_what_is_wrong_is_told_in_a_sentence(words: list[str], sentence: str) -> None:
    Merchant.objects.create(slug="shop", name="The shop")
    with pytest.raises(CommandError, match=sentence.replace("(", r"\(")) as refused:
        merchant(*words)
    assert refused.value.returncode == 2


def test_a_revoked_key_is_not_rolled() -> None:
    Merchant.objects.create(slug="shop", name="The shop")
    made = merchant("key", "shop", "--scopes", "read")
    merchant("revoke", made["prefix"], "--yes")
    with pytest.raises(CommandError, match="not in use any more") as refused:
        merchant("roll", made["prefix"])
    assert refused.value.returncode == 1
    assert MerchantKey.objects.count() == 1
