"""Addresses of lists: only the filters that a page offers, whatever else somebody appends."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import models
from django.test import Client

from coupons.admin.list_lookups import OfferedLookups, offered_lookups
from coupons.models import AuditEvent, Merchant

pytestmark = pytest.mark.django_db

LISTS = [f"{model._meta.app_label}/{model._meta.model_name}" for model in admin.site._registry]
ODD = [
    "slug__regex=(", "name__range=1", "created_at__year=99999", "opens_at__year=0", "id__in=x",
    "expiry_date__year=0", "hashed_key__startswith=a", "pk=99999999999999999999", "id=x",
    "merchant=99999999999999999999", "merchant__id__exact=99999999999999999999",
    "merchant__id__exact=-9999999999999999999999", "state__exact=%00", "is_enabled__exact=%F0",
    "state__in=,", "campaign__slug=x", "user__password__startswith=a", "groups__id__exact=x",
    "q=%00", "q=" + "x" * 5000, "p=99999999999999999999", "p=-1", "o=99.-99.x", "e=1", "all=x",
    "_to_field=password", "_popup=x", "actions=%F0%9F",
]  # fmt: skip


@pytest.fixture
def client(db: None) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("mina"))
    Merchant.objects.create(slug="shop", name="Shop")
    return client


@pytest.mark.parametrize("name", LISTS)
def test_no_address_of_a_list_is_a_failure(client: Client, name: str) -> None:
    answers = {odd: client.get(f"/admin/{name}/?{odd}").status_code for odd in ODD}
    assert {odd: status for odd, status in answers.items() if status not in (200, 302, 400)} == {}


@pytest.mark.parametrize("name", LISTS)
def test_the_filters_of_the_page_work(client: Client, name: str) -> None:
    model_admin = next(
        one for model, one in admin.site._registry.items()
        if f"{model._meta.app_label}/{model._meta.model_name}" == name
    )  # fmt: skip
    if model_admin.model is AuditEvent:  # its page has a form of its own: tests/coupons/audit
        return
    assert isinstance(model_admin, OfferedLookups)
    for field in (one for one in model_admin.list_filter if isinstance(one, str)):
        related = isinstance(model_admin.model._meta.get_field(field), models.ForeignKey)
        lookup = f"{field}__id__exact=1" if related else f"{field}__exact=1"
        assert client.get(f"/admin/{name}/?{lookup}").status_code in (200, 302), lookup
        assert lookup.partition("=")[0] in offered_lookups(model_admin.list_filter)


def test_control_django_itself_would_ask_the_database(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(OfferedLookups, "lookup_allowed")
    assert client.get("/admin/coupons/merchant/?slug__regex=(").status_code == 500
