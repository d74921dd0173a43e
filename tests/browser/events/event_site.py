"""A site for visitors: the users' door and the pages' door as real processes, on two origins,
behind a proxy that can misbehave, on the test's database and Redis."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.utils import timezone

from coupons.identity import user_tokens
from tests.harness import services
from tests.harness.proxy import ProxyRoute, start_proxy

LOGIN = "https://shop.example/login?event={campaign}"
# No cache of campaigns: the next test's may have the same name, or another one the same id.
_FOR_TESTS = {"SHED_AFTER_S": "0", "FACTS_TTL_S": "0", "SHOP_LOGIN_URL": LOGIN}
WEEK_S = 604_800  # a login that outlives every opening of these tests
_THREADS = ("--blocking-threads", "8")


@dataclass(frozen=True, slots=True)
class EventSite:
    """Origins, and the routes to the users' door and from both doors to Redis."""

    pages: str
    api: str
    api_route: ProxyRoute
    redis_route: ProxyRoute

    def page_of(self, slug: str, user: str = "", *, lifetime_s: int = WEEK_S, **more: str) -> str:
        """The address of the event's page; with a user it hands the token over as the shop does."""
        query = "?" + "&".join(f"{name}={value}" for name, value in more.items()) if more else ""
        address = f"{self.pages}/events/{slug}{query}"
        if not user:
            return address
        return f"{address}#token={user_tokens.mint_token(user, lifetime_s=lifetime_s)}"

    def heal(self) -> None:
        """Everything answers again."""
        self.api_route.switch_to("pass")
        self.redis_route.switch_to("pass")


@contextmanager
def start_event_site(
    environment: Mapping[str, str], folder: Path, *, also_from: tuple[str, ...] = ()
) -> Iterator[EventSite]:
    """`also_from`: further origins that may call the API."""
    redis = urlsplit(environment["REDIS_URL"])
    routes = {"redis": redis.port or 0, "api": 1, "pages": 1}  # ports of servers that come later
    with start_proxy(routes, folder / "proxy.log") as proxy, ExitStack() as stack:
        pages, api = (f"http://127.0.0.1:{proxy[name].port}" for name in ("pages", "api"))
        own = {
            **environment, **_FOR_TESTS,
            "REDIS_URL": f"redis://127.0.0.1:{proxy['redis'].port}{redis.path}",
            "CORS_ORIGINS": ",".join((pages, *also_from)),
            "PAGES_API_URL": api,
        }  # fmt: skip
        for name, door in (("api", "users"), ("pages", "pages")):
            web = services.start_web(own | {"DOOR": door}, folder, *_THREADS, name=name)
            proxy[name].switch_to("target", stack.enter_context(web))
        yield EventSite(pages, api, proxy["api"], proxy["redis"])


def opens_in(seconds: float) -> dict[str, Any]:
    """Fields of a campaign that opens so much later."""
    opens = timezone.now() + timedelta(seconds=seconds)
    return {"opens_at": opens, "closes_at": opens + timedelta(hours=1)}
