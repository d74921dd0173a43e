"""How a replication group lets clients in: by one token, by users of a group, or openly.

Wanted is `token`, `users`, `both` (users, and the token as the default user's password, while hosts
move from one to the other) or `open`. AWS can't tell `both` from `users`: there the default user
differs.
"""

from __future__ import annotations

from typing import Any

from provisioning.model import Found, Want

BY_USERS = ("users", "both")


def access_of(group: Any) -> dict[str, str]:
    """What AWS says of it; empty while it doesn't say."""
    if ids := group.get("UserGroupIds"):
        return {"access": "users", "users": ids[0]}
    if "AuthTokenEnabled" not in group:
        return {}
    return {"access": "token" if group["AuthTokenEnabled"] else "open", "users": ""}


def is_same_access(found: str, wanted: str) -> bool:
    """A token that was taken away by hand is not missed: encryption decides before it."""
    return wanted in BY_USERS if found == "users" else wanted == found or wanted == "token"


def user_group_request(found: Found, want: Want) -> dict[str, Any]:
    """The options of a change that lets users in. With DELETE the token ends in the same call; AWS
    allows that for this change only."""
    if "users" not in want.props:
        return {}
    request: dict[str, Any] = {"UserGroupIdsToAdd": [want.props["users"]]}
    if former := found.props.get("users"):
        request["UserGroupIdsToRemove"] = [former]
    if found.props.get("access") == "token":
        request["AuthTokenUpdateStrategy"] = "DELETE"
    return request
