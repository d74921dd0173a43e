"""Merchants and their keys in the admin: a key is shown once, and nowhere else."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import NoReverseMatch, reverse

from coupons.errors import BadKey
from coupons.merchants import api_keys
from coupons.models import Merchant, MerchantKey

LIST = "/admin/coupons/merchantkey/"


@pytest.fixture
def shop(db: None) -> Merchant:
    return Merchant.objects.create(slug="shop", name="The shop")


def shown_key(answer: Any) -> str:
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    page = answer.content.decode()
    text: str = page.split('<code id="key">')[1].partition("<")[0]
    return text


def make(client: Client, shop: Merchant) -> str:
    given = {"merchant": shop.pk, "name": "checkout", "scopes": ["read", "redeem"], "days": ""}
    return shown_key(client.post(f"{LIST}add/", given))


def page_of(key: MerchantKey) -> str:
    return reverse("admin:coupons_merchantkey_change", args=[key.pk])


def do(client: Client, prefix: str, verb: str, **given: str) -> Any:
    return client.post(f"{LIST}do/{prefix}/{verb}/", given, follow=True)


def test_a_new_key_is_shown_once_and_works(operator_client: Client, shop: Merchant) -> None:
    text = make(operator_client, shop)
    assert api_keys.verify_key(text).scopes == {"read", "redeem"}
    secret = text.partition(".")[2]
    key = MerchantKey.objects.get()
    for page in (LIST, page_of(key), f"{LIST}?merchant={shop.pk}", "/admin/"):
        answer = operator_client.get(page)
        assert answer.status_code == 200
        assert secret not in answer.content.decode()
        assert key.hashed_key not in answer.content.decode()


def test_a_key_needs_a_scope(operator_client: Client, shop: Merchant) -> None:
    given = {"merchant": shop.pk, "name": "checkout", "days": "0"}
    assert operator_client.post(f"{LIST}add/", given).status_code == 200
    assert not MerchantKey.objects.exists()


def test_a_key_is_rolled_and_revoked(operator_client: Client, shop: Merchant) -> None:
    text = make(operator_client, shop)
    old = MerchantKey.objects.get()
    new_text = shown_key(do(operator_client, old.prefix, "roll", overlap_days="3"))
    assert api_keys.verify_key(text).prefix != api_keys.verify_key(new_text).prefix
    assert (
        "not in use any more"
        in do(operator_client, old.prefix, "roll", overlap_days="3").content.decode()
    )
    do(operator_client, old.prefix, "revoke")
    assert api_keys.verify_key(text), "without the tick nothing is done"
    assert (
        "is revoked now" in do(operator_client, old.prefix, "revoke", sure="yes").content.decode()
    )
    with pytest.raises(BadKey):
        api_keys.verify_key(text)


@pytest.mark.parametrize("overlap", ["8", "-1", "x", ""])
def test_an_impossible_overlap_is_refused(
    operator_client: Client, shop: Merchant, overlap: str
) -> None:
    make(operator_client, shop)
    do(operator_client, MerchantKey.objects.get().prefix, "roll", overlap_days=overlap)
    assert MerchantKey.objects.count() == 1


def test_who_may_only_look_does_not_change_a_key(operator_client: Client, shop: Merchant) -> None:
    text = make(operator_client, shop)
    theo = User.objects.create_user("theo", is_staff=True)
    theo.user_permissions.add(Permission.objects.get(codename="view_merchantkey"))
    client = Client()
    client.force_login(theo)
    key = MerchantKey.objects.get()
    page = client.get(page_of(key)).content.decode()
    assert "Revoke for good" not in page
    assert do(client, key.prefix, "revoke", sure="yes").status_code == 403
    assert client.get(f"{LIST}add/").status_code == 403
    assert api_keys.verify_key(text)


def test_a_get_changes_nothing(operator_client: Client, shop: Merchant) -> None:
    text = make(operator_client, shop)
    prefix = MerchantKey.objects.get().prefix
    assert operator_client.get(f"{LIST}do/{prefix}/revoke/?sure=yes").status_code == 302
    assert api_keys.verify_key(text)


def test_a_merchants_slug_never_changes(operator_client: Client, shop: Merchant) -> None:
    page = f"/admin/coupons/merchant/{shop.pk}/change/"
    operator_client.post(page, {"slug": "other", "name": "Another name"})
    shop.refresh_from_db()
    assert (shop.slug, shop.name) == ("shop", "Another name")
    assert operator_client.get("/admin/coupons/merchant/").status_code == 200


def test_the_librarys_own_keys_have_no_page() -> None:
    with pytest.raises(NoReverseMatch):
        reverse("admin:rest_framework_api_key_apikey_changelist")
