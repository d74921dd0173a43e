"""15.4: django-prometheus counts every view but the claims endpoint, with bounded labels."""

import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from prometheus_client import REGISTRY, generate_latest

from config import doors
from config.doors import Door
from coupons.models import Campaign
from tests.conftest import CampaignMaker, Person
from tests.harness import services

RESPONSES = "django_http_responses_total_by_status_view_method_total"
CLAIMS = "/api/v1/campaigns/sale/claims"


def counted_responses() -> dict[str, float]:
    """Responses by view."""
    counted: dict[str, float] = {}
    for family in REGISTRY.collect():
        for sample in family.samples:
            if sample.name == RESPONSES:
                view = sample.labels["view"]
                counted[view] = counted.get(view, 0) + sample.value
    return counted


def views_counted_by(client: Client, method: str, path: str, **more: Any) -> dict[str, float]:
    before = counted_responses()
    client.generic(method, path, **more)
    after = counted_responses()
    return {view: n - before.get(view, 0) for view, n in after.items() if n != before.get(view)}


def named_paths(patterns: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """(name, path) of each route outside of the admin's own."""
    for entry in patterns:
        where = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            if not where.startswith("admin/"):
                yield from named_paths(entry.url_patterns, where)
        elif isinstance(entry, URLPattern):
            assert entry.name, f"{where} has no name by which it could be counted"
            yield entry.name, "/" + where.replace("<str:slug>", "sale").replace("<str:code>", "X")


ROUTES = [
    (door, name, path)
    for door in (Door.USERS, Door.OPERATORS)
    for name, path in named_paths(get_resolver(doors.URLCONFS[door]).url_patterns)
]


def enter_door(settings: Any, door: Door) -> None:
    settings.ROOT_URLCONF = doors.URLCONFS[door]
    settings.MIDDLEWARE = doors.middleware_for(door, django_settings.MIDDLEWARE)


@pytest.mark.django_db
@pytest.mark.parametrize(("door", "name", "path"), ROUTES)
def test_15_4_each_view_of_each_door_is_counted_once_but_not_a_claim(
    door: Door, name: str, path: str, open_campaign: CampaignMaker, settings: Any
) -> None:
    open_campaign()
    enter_door(settings, door)
    expected = {} if name == "claims" else {name: 1.0}
    assert views_counted_by(Person("mina").client, "GET", path) == expected


def test_15_4_the_list_of_routes_is_whole() -> None:
    assert len(ROUTES) >= 12
    assert (Door.USERS, "claims", CLAIMS) in ROUTES


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["admin:coupons_campaign_changelist", "admin:index"])
def test_15_4_each_page_of_the_admin_is_counted(admin_client: Client, path: str) -> None:
    assert views_counted_by(admin_client, "GET", reverse(path)) == {path: 1.0}


def modules_that_ran(client: Client, method: str, path: str) -> set[str]:
    """The packages whose functions were called for this request."""
    ran: set[str] = set()

    def note(frame: FrameType, *_: object) -> None:
        ran.add(str(frame.f_globals.get("__name__")))

    sys.setprofile(note)
    try:
        client.generic(method, path)
    finally:
        sys.setprofile(None)
    ran.discard(__name__)
    return {name for name in ran if "prometheus" in name or name.endswith("_metrics")}


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["POST", "GET", "OPTIONS"])
def test_15_4_a_request_to_the_claims_endpoint_runs_nothing_of_it(
    method: str, open_campaign: CampaignMaker, settings: Any
) -> None:
    """Our own metrics use the client library, `prometheus_client`."""
    open_campaign()
    enter_door(settings, Door.USERS)
    client = Person("mina").client
    client.generic(method, CLAIMS)  # middleware is loaded with the first request
    ran = modules_that_ran(client, method, CLAIMS)
    assert {name for name in ran if not name.startswith("prometheus_client")} == set()


@pytest.mark.django_db
def test_15_4_negative_control_another_view_does(
    open_campaign: CampaignMaker, settings: Any
) -> None:
    open_campaign()
    enter_door(settings, Door.USERS)
    ran = modules_that_ran(Person("mina").client, "GET", "/api/v1/campaigns/sale")
    assert {"django_prometheus.middleware", "coupons.observability.view_metrics"} <= ran


@pytest.mark.django_db
def test_15_4_methods_that_a_client_invents_are_one_label(
    open_campaign: CampaignMaker, admin_client: Client
) -> None:
    open_campaign()
    for number in range(5):
        Person("mina").client.generic(f"INVENTED{number}", "/api/v1/campaigns/sale")
        admin_client.generic(f"INVENTED{number}", "/admin/")
    page = generate_latest().decode()
    assert "INVENTED" not in page
    assert 'method="<invalid method>",status="405",view="campaign"' in page


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/admin/no-such-page", "/api/v1/no-such-page", "/nowhere"])
def test_15_4_paths_that_a_client_invents_are_no_label(admin_client: Client, path: str) -> None:
    for number in range(3):
        admin_client.get(f"{path}{number}/")
    assert "no-such-page" not in generate_latest().decode()
    assert "nowhere" not in generate_latest().decode()


@pytest.mark.django_db
@pytest.mark.parametrize("length", ["many", "-1", "1e3", "²"])
def test_15_4_a_length_that_is_no_number_is_no_failure(
    length: str, open_campaign: CampaignMaker
) -> None:
    open_campaign()
    client = Person("mina").client
    assert client.get("/api/v1/campaigns/sale", CONTENT_LENGTH=length).status_code == 200
    assert client.get("/admin/login/", CONTENT_LENGTH=length).status_code == 200


@pytest.mark.django_db
def test_15_4_objects_that_are_saved_and_deleted_are_counted_by_model(
    draft: Any, django_user_model: Any
) -> None:
    def counted(kind: str, model: str) -> float:
        return REGISTRY.get_sample_value(f"django_model_{kind}_total", {"model": model}) or 0

    before = [counted(kind, "user") for kind in ("inserts", "updates", "deletes")]
    user = django_user_model.objects.create_user("mina")
    user.save()
    user.delete()
    after = [counted(kind, "user") for kind in ("inserts", "updates", "deletes")]
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 1, 1]
    campaigns = counted("inserts", "campaign")
    draft("sale")
    assert counted("inserts", "campaign") == campaigns + 1
    assert Campaign.objects.count() == 1


@pytest.mark.parametrize("value", [0, "", False, [], "text"])
def test_15_4_the_cache_is_counted_and_returns_what_was_put_there(value: object) -> None:
    def counted(what: str) -> float:
        return REGISTRY.get_sample_value(f"django_cache_{what}_total", {"backend": "locmem"}) or 0

    cache.delete("key")
    before = counted("get"), counted("get_hits"), counted("get_misses")
    assert cache.get("key", default="none") == "none"
    cache.set("key", value)
    assert cache.get("key", default="none") == value
    after = counted("get"), counted("get_hits"), counted("get_misses")
    assert [now - then for now, then in zip(after, before, strict=True)] == [2, 1, 1]


@pytest.mark.parametrize(
    ("door", "counted"), [("users", False), ("operators", True), ("all", False)]
)
@pytest.mark.parametrize("url", ["mysql://u:p@127.0.0.1:1/coupons", "sqlite:////tmp/none"])
def test_15_4_only_the_operators_connections_are_of_django_prometheus(
    door: str, counted: bool, url: str
) -> None:
    show = "from config.settings import DATABASES; print(DATABASES['default']['ENGINE'])"
    done = subprocess.run(
        [sys.executable, "-c", show], env=os.environ | {"DOOR": door, "DATABASE_URL": url},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("django_prometheus.db.backends.") is counted


@pytest.mark.slow
def test_15_4_the_operators_page_of_metrics_has_the_views_of_both_doors(
    child_environment: dict[str, str], tmp_path: Path, open_campaign: CampaignMaker
) -> None:
    """On real processes that share nothing but files."""
    open_campaign()
    with (
        services.start_web(child_environment | {"DOOR": "users"}, tmp_path, name="users") as users,
        services.start_web(
            child_environment | {"DOOR": "operators", "METRICS_FOLDERS": str(tmp_path / "users")},
            tmp_path,
            name="operators",
        ) as operators,
    ):
        for url in (f"{users}/api/v1/campaigns/sale", f"{operators}/admin/login/"):
            asking = urllib.request.Request(
                f"http://127.0.0.1:{url}",
                headers={"Cookie": "sessionid=of-nobody-known"},  # looked for in the database
            )
            urllib.request.urlopen(asking, timeout=60).close()
        with urllib.request.urlopen(f"http://127.0.0.1:{operators}/metrics", timeout=60) as answer:
            page = answer.read().decode()
    for view in ("campaign", "login"):
        assert f'{RESPONSES}{{method="GET",status="200",view="{view}"}} 1.0' in page
    assert re.search(r"^django_db_execute_total\{.*\} [1-9]", page, re.MULTILINE)
    assert 'django_model_inserts_total{model="campaign"} 0.0' in page
