"""Wanted: Redis' users, one for each kind of host, and their group.

What each may do is written once, in Ansible's role `redis`, which makes the same users on a Redis
of our own. This module reads that file and writes ElastiCache's access strings from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache as computed_once
from pathlib import Path
from typing import Any

import yaml

from provisioning.blueprint.names import secret_ref
from provisioning.blueprint.secrets import auth_token
from provisioning.model import Ref, Want
from provisioning.resources.access_strings import is_forbidden
from provisioning.resources.cache_users import DEFAULT_USER
from provisioning.spec.model import Cache

RULES = Path(__file__).parents[2] / "ansible/roles/redis/vars/main.yml"
VARIABLE = re.compile(r"\{\{ (\w+) \}\}")
ENGINE = "redis"  # of users and groups: AWS takes it for stores of Redis and of Valkey
NO_RIGHTS = "off -@all"


def user_wants(cache: Cache) -> Iterator[Want]:
    """The users of a cache, and the group that lets them in."""
    users = {**role_rules(), DEFAULT_USER: default_rules(cache)}
    for user, access in users.items():
        yield Want(
            kind="cache-user",
            name=_user_id(cache, user),
            props={
                "username": user,
                "engine": ENGINE,
                "access": access,
                "authentication": "password",
            },
            hidden={"secret": secret_ref(auth_token(cache))},
        )
    members = frozenset(Ref("cache-user", _user_id(cache, user)) for user in users)
    yield Want(
        kind="cache-user-group",
        name=user_group_ref(cache).name,
        props={"engine": ENGINE, "users": members},
    )


def user_group_ref(cache: Cache) -> Ref:
    return Ref("cache-user-group", f"{cache.name}-users")


def _user_id(cache: Cache, user: str) -> str:
    """AWS' users belong to the account, so their ids begin with the cache's name."""
    return f"{cache.name}-{user}"


def default_rules(cache: Cache) -> str:
    """AWS demands a user for who names none. It opens nothing, but while hosts move from the token
    to users: then it is the token, with all its rights."""
    return f"on {_role_texts()['redis_all_rights']}" if cache.keeps_token else NO_RIGHTS


@computed_once
def role_rules() -> Mapping[str, str]:
    """user -> access string, of every user that the role `redis` makes."""
    texts = _role_texts()
    rules = {user: _access_string(row, texts) for user, row in _variables()["redis_users"].items()}
    return {**rules, "admin": f"on {texts['redis_all_rights']}"}


def _access_string(row: Mapping[str, str], texts: Mapping[str, str]) -> str:
    words = ("on", row["keys"], row["channels"], "-@all", row["commands"])
    rules = _expanded(" ".join(words), texts).split()
    return " ".join(rule for rule in rules if not is_forbidden(rule))


def _expanded(text: str, texts: Mapping[str, str]) -> str:
    """With each `{{ name }}` replaced by that variable's text. Raises KeyError for an unknown."""
    while found := VARIABLE.search(text):
        text = text.replace(found[0], texts[found[1]])
    return text


def _role_texts() -> dict[str, str]:
    return {name: text for name, text in _variables().items() if isinstance(text, str)}


@computed_once
def _variables() -> dict[str, Any]:
    variables: dict[str, Any] = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    return variables
