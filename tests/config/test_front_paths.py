"""What the front, and a CDN before it, let through: every path that the doors have."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver

from config.containers import render
from config.urls import merchants, pages, users
from provisioning.resources import distribution_config

SAMPLES = {
    "slug": "%EC%BF%A0", "code": "7K2M-9QXT-4B8N-W3R4", "user": "a/b", "coupon": "17",
    "id": "0199e0a4-3c1e-7c5e-9d5b-3f1f2a4b5c6d",
}  # fmt: skip
DOORS = {door["name"]: door for door in render.front_variables([])["front_doors"]}
PATTERNS = {
    "users": DOORS["users"]["paths"],
    "pages": DOORS["users"]["pages"]["paths"],
    "merchants": DOORS["merchants"]["paths"],
}
AT_THE_INNER_ONLY = {"/"}  # a start page for developers
# Which of CloudFront's behaviours may have a path of the pages' door: it posts, or it is a file.
PAGE_KINDS = {"page", "file"}


def paths_of(patterns: Any, before: str = "/") -> Iterator[str]:
    for one in patterns:
        path = before + re.sub(
            r"<(?:\w+:)?(\w+)>", lambda found: SAMPLES[found[1]], str(one.pattern)
        )
        if isinstance(one, URLResolver):
            yield from paths_of(one.url_patterns, path)
        else:
            assert isinstance(one, URLPattern)
            yield path


ROUTES = [
    (door, path)
    for door, urls in (("users", users), ("pages", pages), ("merchants", merchants))
    for path in paths_of(urls.urlpatterns)
    if path not in AT_THE_INNER_ONLY
]


@pytest.mark.parametrize(("door", "path"), ROUTES)
def test_the_front_lets_each_path_through(door: str, path: str) -> None:
    assert re.search(PATTERNS[door], path)


def test_walking_finds_every_kind() -> None:
    paths = {path for _, path in ROUTES}
    assert {"/events", "/api/v1/time", "/api/v1/merchant/users/a/b/attempts"} <= paths
    assert len(paths) > 40


@pytest.mark.parametrize(("door", "path"), [one for one in ROUTES if one[0] != "merchants"])
def test_a_cdn_keeps_what_is_for_everybody_alone(door: str, path: str) -> None:
    """The first behaviour that matches counts."""
    kind = next(
        kind for pattern, kind in distribution_config.PATHS.items() if fnmatchcase(path, pattern)
    )
    if door == "pages":
        assert kind in PAGE_KINDS
    else:
        is_shared = bool(re.search(DOORS["users"]["shared"], path))
        assert kind == ("shared" if is_shared else "passed")


@pytest.mark.parametrize("pattern", ["streams", "large"])
def test_slow_paths_of_merchants_are_paths(pattern: str) -> None:
    slow = [path for _, path in ROUTES if re.search(DOORS["merchants"][pattern], path)]
    assert len(slow) == 2, slow
