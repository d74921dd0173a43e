"""How long the admin's lists take at five million coupons, each with its filters.

    python -m tests.servers python -m tests.admin.lists_at_five_million

In its environment: LIST_COUPONS, another number of coupons; LIST_FILLED=yes, the servers were
filled by an earlier run.

Fills a MariaDB and a Redis of its own (a few minutes), asks for each page as an operator would, in
this process, and prints a line of JSON for each: milliseconds, the median and the longest of seven.
Exit status 1 if a median is above MOST_MS. The database has the memory that tests give it (256 MB),
much less than its rows need.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Iterator

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import reverse  # noqa: E402

from coupons.campaigns import snapshot  # noqa: E402
from coupons.claims.limits import slot_id  # noqa: E402
from coupons.models import Campaign, Coupon, WebhookEndpoint  # noqa: E402
from coupons.runtime import runtime  # noqa: E402
from tests.admin import many_rows  # noqa: E402

MOST_MS = 300
TIMES = 7
LARGE = 5  # campaigns that share the coupons
SMALL = 5_000  # closed campaigns with few
Addresses = Iterator[tuple[str, str]]


def fill(coupons: int) -> None:
    with many_rows.quick_filling():
        large = [
            many_rows.add_campaign(f"large-{number}", coupons // LARGE) for number in range(LARGE)
        ]
        many_rows.add_small_campaigns(SMALL, scheduled=60)
        many_rows.add_parked("next-0")
        many_rows.add_events(large[0], coupons // 5)
        many_rows.add_waitlist(large[0], coupons // 10)
        many_rows.add_deliveries(coupons // 5)


def _addresses(name: str, queries: dict[str, str]) -> Addresses:
    """`coupons`, with each query; the empty one is the list itself."""
    for label, query in queries.items():
        yield f"{name}, {label}", reverse(f"admin:coupons_{name}_changelist") + query


def _coupon_pages(coupons: int) -> Addresses:
    campaign = Campaign.objects.get(slug="large-2")
    half = slot_id(campaign.pk, coupons // LARGE // 2)
    sample = Coupon.objects.get(campaign=campaign, place=10)
    sample.code = snapshot.snapshot_of(campaign).code_of(user=sample.user, nth=1, place=10)
    sample.save(update_fields=["code"])
    mine = "?campaign=large-2"
    states = {f"campaign, {state}": f"{mine}&state={state}"
              for state in ("redeemed", "revoked", "expired", "held")}  # fmt: skip
    yield from _addresses("coupon", {
        "newest": "", "in the middle": f"?before={half}", "back": f"?after={half}",
        "campaign": mine, "campaign, in the middle": f"{mine}&before={half}", **states,
        "campaign, revoked, in the middle": f"{mine}&state=revoked&before={half}",
        "user": f"?q={sample.user}", "absent user": "?q=nobody", "code": f"?q={sample.code}",
        "place": "?q=large-2/77777", "user in campaign": f"{mine}&q={sample.user}",
    })  # fmt: skip
    yield "coupon's page", reverse("admin:coupons_coupon_change", args=[sample.pk])


def _campaign_pages() -> Addresses:
    states = {state: f"?state__exact={state}" for state in ("open", "scheduled", "closed")}
    yield from _addresses("campaign", {
        "newest": "", "last page": "?p=101", **states, "direct": "?strategy__exact=direct",
        "search": "?q=sale+4711", "by window": "?o=-9", "opening today": "?show=today",
        "needs attention": "?show=attention",
    })  # fmt: skip
    large, parked = Campaign.objects.get(slug="large-0"), Campaign.objects.get(slug="next-0")
    yield "campaign's page", reverse("admin:coupons_campaign_change", args=[large.pk])
    yield "parked claims", reverse("admin:coupons_campaign_parked", args=[parked.pk])
    after = reverse("admin:coupons_campaign_parked", args=[parked.pk]) + "?after=1795000000000-0"
    yield "parked claims, next page", after
    yield "home", reverse("admin:index")


def _other_pages() -> Addresses:
    endpoint = WebhookEndpoint.objects.order_by("id").first()
    mine = f"?endpoint__id__exact={endpoint and endpoint.pk}"
    states = ("delivered", "failed", "waiting")
    yield from _addresses("webhookdelivery", {
        "newest": "", "deep": "?p=199", "endpoint": mine,
        **{state: f"?state__exact={state}" for state in states},
        **{f"endpoint, {state}": f"{mine}&state__exact={state}" for state in states},
    })  # fmt: skip
    yield from _addresses("waitlistentry", {
        "newest": "", "deep": "?p=199", "skipped": "?state__exact=skipped",
        "served": "?state__exact=served", "campaign": "?q=large-0",
    })  # fmt: skip
    yield from _addresses("merchant", {"newest": ""})
    yield from _addresses("webhookendpoint", {"newest": ""})


def measure(client: Client, name: str, address: str) -> dict[str, str | float]:
    taken = []
    for _ in range(TIMES):
        began = time.perf_counter()
        answer = client.get(address)
        answer.getvalue()
        taken.append(1000 * (time.perf_counter() - began))
        if answer.status_code != 200:
            raise RuntimeError(f"{address} was answered {answer.status_code}")
    middle, longest = round(statistics.median(taken), 1), round(max(taken), 1)
    return {"page": name, "median_ms": middle, "longest_ms": longest}


def main() -> int:
    coupons = int(os.environ.get("LIST_COUPONS", 5_000_000))
    settings.ALLOWED_HOSTS = ["*"]
    runtime.start_fresh()
    call_command("migrate", verbosity=0)
    if "LIST_FILLED" not in os.environ:
        began = time.perf_counter()
        fill(coupons)
        print(json.dumps({"coupons": coupons, "fill_s": round(time.perf_counter() - began)}))
    client = Client()
    client.force_login(
        User.objects.get_or_create(username="mina", is_staff=True, is_superuser=True)[0]
    )
    client.get(reverse("admin:index"))  # templates and catalogues are read once in a process
    slow = 0
    pages = (_campaign_pages(), _coupon_pages(coupons), _other_pages())
    for page in pages:
        for name, address in page:
            found = measure(client, name, address)
            slow += float(found["median_ms"]) > MOST_MS
            print(json.dumps(found), flush=True)
    print(json.dumps({"slower_than_ms": MOST_MS, "pages": slow}))
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
