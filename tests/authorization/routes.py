"""Every route of the URL configuration with a concrete address, and what is sent there."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.urls import URLPattern, URLResolver, get_resolver

from coupons.models import Campaign
from tests.authorization.cast import World

# What the parameters of a route stand for, by the beginning of the route: ids of the world.
_IDS: list[tuple[str, dict[str, str]]] = [
    ("admin/auth/user/", {"id": "operator", "object_id": "operator"}),
    ("admin/auth/group/", {"object_id": "group"}),
    ("admin/r/", {"content_type_id": "type", "object_id": "campaign"}),
    ("admin/coupons/auditevent/", {"form": "jsonl"}),
    (
        "admin/coupons/campaign/",
        {"pk": "campaign", "object_id": "campaign", "verb": "pause", "one": "entry"},
    ),
    ("admin/coupons/approvalrequest/", {"pk": "entry", "object_id": "entry"}),
    ("admin/coupons/coupon/", {"pk": "coupon", "object_id": "coupon", "verb": "revoke"}),
    ("admin/coupons/merchantkey/", {"prefix": "prefix", "object_id": "prefix", "verb": "revoke"}),
    ("admin/coupons/merchant/", {"object_id": "merchant"}),
    ("admin/coupons/waitlistentry/", {"object_id": "entry"}),
    ("admin/coupons/webhookendpoint/", {"id": "webhook", "object_id": "webhook", "verb": "enable"}),
    ("admin/coupons/webhookdelivery/", {"object_id": "delivery"}),
    ("admin/invitation/", {"uidb64": "nothing", "token": "nothing"}),
    ("admin/^", {"app_label": "app"}),
    ("admin/(", {"url": "nothing"}),
    ("api/v1/merchant/reservations/", {"id": "reservation"}),
    ("api/v1/merchant/redemptions/", {"id": "redemption"}),
    ("api/v1/merchant/webhooks/", {"id": "webhook"}),
    ("api/v1/merchant/jobs/", {"id": "job"}),
    ("", {"slug": "slug", "code": "code", "coupon": "coupon", "user": "user"}),
]
_PARAMETER = re.compile(r"\(\?P<(\w+)>[^)]*\)|<(?:\w+:)?(\w+)>")
_WORDS = ("nothing", "pause", "revoke", "enable", "jsonl")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_NOT_ASKED = re.compile(r"^admin/r/")  # Django's "view on site": no model has such an address


@dataclass(frozen=True)
class Route:
    pattern: str
    path: str

    @property
    def is_of_operators(self) -> bool:
        return self.pattern.startswith("admin/")

    @property
    def methods(self) -> tuple[str, ...]:
        return ("GET", "POST") if self.is_of_operators else METHODS


def every_route(world: World) -> list[Route]:
    """In the order of the URL configuration; the same pattern once."""
    known = {
        "type": ContentType.objects.get_for_model(Campaign).pk, "entry": 1, "delivery": 1,
        "app": "coupons", **{word: word for word in _WORDS}, **world.known,
    }  # fmt: skip
    patterns = dict.fromkeys(_walk(get_resolver("config.urls.every").url_patterns))
    return [Route(one, _filled(one, known)) for one in patterns if not _NOT_ASKED.match(one)]


def _walk(patterns: list[Any], before: str = "") -> Iterator[str]:
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield route


def _filled(pattern: str, known: dict[str, Any]) -> str:
    names = next(ids for start, ids in _IDS if pattern.startswith(start))

    def value(found: re.Match[str]) -> str:
        return str(known[names[found[1] or found[2]]])

    return "/" + re.sub(r"[\^$]", "", _PARAMETER.sub(value, pattern))


def body_of(route: Route, method: str, world: World) -> Any:
    """A body with which the owner is answered; None: none is needed."""
    known, name = world.known, route.pattern.removeprefix("api/v1/merchant/")
    reason = {"reason": "fraud"}
    cart = known["cart"] | {"order_ref": "9"}
    campaign = {"opens_at": "2027-01-01T00:00:00Z", "closes_at": "2027-01-02T00:00:00Z"}
    bodies: dict[tuple[str, str], Any] = {
        ("POST", "quotes"): known["cart"], ("POST", "reservations"): cart,
        ("POST", "redemptions"): cart, ("POST", "coupons/lookup"): {"code": known["code"]},
        ("POST", "coupons/revoke"): {"code": known["code"]} | reason,
        ("POST", "coupons/<int:coupon>/undo-revoke"): {"reason": "mistake"},
        ("POST", "reservations/<uuid:id>/renew"): {"seconds": 600},
        ("POST", "redemptions/<uuid:id>/cancel"): {"cause": "customer"},
        ("POST", "redemptions/<uuid:id>/return-quote"): {"remaining_subtotal": "1000"},
        ("POST", "webhooks"): {"url": "https://hooks.example.com/more"},
        ("PATCH", "webhooks/<uuid:id>"): {"enabled": False},
        ("POST", "campaigns"): {"slug": "more", "name": "More", "stock": 1, "valid_days": 1,
                                "discount_value": "10"} | campaign,
        ("PATCH", "campaigns/<str:slug>"): {"name": "Dinner"},
        ("POST", "campaigns/<str:slug>/clone"): {"slug": "copy"} | campaign,
        ("PUT", "campaigns/<str:slug>/stock"): {"stock": 11},
        ("POST", "campaigns/<str:slug>/grants"): b'{"user": "mina"}\n',
        ("POST", "campaigns/<str:slug>/revocations"): b'{"user": "mina"}\n',
        ("POST", "api/v1/coupons/<str:code>/give-back"): {"confirm": True},
        ("POST", "api/v1/receipts/verify"): {"receipt": "x.y"},
    }  # fmt: skip
    return bodies.get((method, name))


def query_of(route: Route) -> str:
    name = route.pattern.rpartition("/")[2]
    return {"attempts": f"?campaign={SLUG}", "revocations": "?reason=fraud",
            "replay": "?since=2026-01-01T00:00:00Z"}.get(name, "")  # fmt: skip


SLUG = "lunch"
