"""What an operator does in the admin, as a request: to a page, by a form, to a fresh campaign."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from coupons.campaigns import lifecycle
from coupons.models import Campaign, Coupon, Undoable
from coupons.operations import approvals
from tests.authorization.cast import SALE, World
from tests.coupons.audit.walk.rows import next_number

Doing = Callable[[Client, World, dict[str, str]], Any]


def post_page(page: str, /, *keys: str, **form: Any) -> Doing:
    """A POST to the page of `keys`: names in the world's `known`, or words."""

    def do(client: Client, world: World, headers: dict[str, str]) -> Any:
        values = [world.known.get(key, key) for key in keys]
        if "merchant" in form:
            form["merchant"] = str(world.known["merchant"])
        return client.post(reverse(f"admin:{page}", args=values), form, headers=headers)

    return do


def do_verb(page: str, key: str, verb: str, /, *before: Doing, **form: Any) -> Doing:
    def do(client: Client, world: World, headers: dict[str, str]) -> Any:
        for earlier in before:
            earlier(client, world, {})
        return post_page(page, key, verb, **form)(client, world, headers)

    return do


def of_coupon(verb: str, *before: Doing, **form: Any) -> Doing:
    return do_verb("coupons_coupon_do", "coupon", verb, *before, reason="a complaint", **form)


def fresh_campaign(*steps: str) -> Doing:
    """A campaign of its own, for Redis keeps what earlier tests have done to the sale."""

    def make(client: Client, world: World, headers: dict[str, str]) -> None:
        slug = f"fresh-{next_number()}"
        opens = timezone.now() + timedelta(hours=1)
        drafted = Campaign(
            slug=slug, name="Fresh", stock=3, discount_value=10, valid_days=3,
            opens_at=opens, closes_at=opens + timedelta(hours=1),
        )  # fmt: skip
        lifecycle.save_draft(drafted, actor="before")
        for step in steps:
            getattr(lifecycle, f"{step}_campaign")(slug, actor="before")
        world.known["fresh"] = Campaign.objects.get(slug=slug).pk

    return make


def of_campaign(verb: str, *steps: str, **form: Any) -> Doing:
    return do_verb("coupons_campaign_do", "fresh", verb, fresh_campaign(*steps), **form)


def with_fresh(page: str, /, *steps: str, **form: Any) -> Doing:
    def do(client: Client, world: World, headers: dict[str, str]) -> Any:
        fresh_campaign(*steps)(client, world, {})
        return post_page(page, "fresh", **form)(client, world, headers)

    return do


LATER = {"opens_at": timedelta(hours=1), "closes_at": timedelta(hours=2)}
NEW = {"slug": "formed", "name": "Formed", "stock": "5", "discount_value": "10", "valid_days": "9"}


def fill_form(page: str, /, *keys: str, **changed: str) -> Doing:
    """As a browser: what the page's form holds, and what is typed over it."""

    def do(client: Client, world: World, headers: dict[str, str]) -> Any:
        fresh_campaign()(client, world, {})
        address = reverse(f"admin:{page}", args=[world.known[key] for key in keys])
        form = client.get(address).context["adminform"].form
        now = timezone.localtime()
        times = {name: f"{now + later:%Y-%m-%d %H:%M:%S}" for name, later in LATER.items()}
        shown = {name: form[name].value() for name in form.fields}
        values = {
            name: value for name, value in shown.items() if value is not None and value is not False
        }
        answer: Any = client.post(address, values | times | changed, headers=headers)
        assert answer.status_code == 302, answer.context["adminform"].form.errors
        return answer

    return do


def redeemed_coupon(client: Client, world: World, headers: dict[str, str]) -> None:
    world.known["redeemed"] = Coupon.objects.get(campaign__slug=SALE, user="jun").pk


def slug_of(world: World) -> str:
    return str(Campaign.objects.get(pk=world.known["fresh"]).slug)


def close_campaign(client: Client, world: World, headers: dict[str, str]) -> Any:
    fresh_campaign("schedule")(client, world, {})
    typed = {"slug": slug_of(world), "why": "it is over"}
    return post_page("coupons_campaign_do", "fresh", "close", **typed)(client, world, headers)


def undo_change(client: Client, world: World, headers: dict[str, str]) -> Any:
    fresh_campaign("schedule")(client, world, {})
    lifecycle.change_stock(slug_of(world), stock=9, actor="before")
    world.known["undoable"] = Undoable.objects.latest("id").pk
    return post_page("coupons_campaign_undo", "fresh", "undoable")(client, world, headers)


def decide_request(client: Client, world: World, headers: dict[str, str]) -> Any:
    fresh_campaign("schedule")(client, world, {})
    world.known["asked"] = approvals.ask_close(slug_of(world), actor="before", reason="over").pk
    page = post_page("coupons_approvalrequest_decide", "asked", decision="approve")
    return page(client, world, headers)
