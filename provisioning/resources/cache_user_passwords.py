"""The passwords of a cache's users, exchanged without an outage: each user has the new one beside
the one before, then the hosts get theirs, then the new one alone stays.

AWS takes a user's whole list of passwords in each call, so a run that was killed is continued by
doing the same again.
"""

from __future__ import annotations

from collections.abc import Iterable

from provisioning.aws import Cloud
from provisioning.client_errors import error_code
from provisioning.errors import ProvisioningError
from provisioning.model import Found
from provisioning.refusals import BUSY
from provisioning.resources.cache_token import (
    begin_rotation,
    begun_rotation,
    end_rotation,
)
from provisioning.resources.cache_users import is_in_force, user_password
from provisioning.resources.secret import secret_value
from provisioning.waiting import ask_again, wait_until


def rotate_passwords(
    cloud: Cloud, found: Found, users: Iterable[Found], path: str, *, length: int
) -> None:
    """Make the users accept new passwords as well, and make what they are drawn from the secret at
    `path`. Idempotent; a rotation that was not finished is not begun again."""
    new = begin_rotation(cloud, found, length=length)["Value"]
    present = secret_value(cloud, path)
    if new == present:
        return
    for user in users:
        _set_passwords(cloud, user, new, present)
    cloud.ssm.put_parameter(Name=path, Value=new, Type="SecureString", Overwrite=True)


def settle_passwords(cloud: Cloud, found: Found, users: Iterable[Found], path: str) -> None:
    """Make the users accept only what is drawn from the secret at `path`. Raises ProvisioningError
    if no rotation has begun, or one was killed before all users had their new password."""
    new = begun_rotation(cloud, found)["Value"]
    if new != secret_value(cloud, path):
        raise ProvisioningError(
            f"The rotation of {found.name} was interrupted.",
            todo=f"Complete it first: rotate {found.name}",
        )
    for user in users:
        _set_passwords(cloud, user, new)
    end_rotation(cloud, found)


def _set_passwords(cloud: Cloud, user: Found, *secrets: str) -> None:
    passwords = [user_password(secret, user.props["username"]) for secret in secrets]
    ask_again(
        cloud,
        f"changing {user.key}",
        lambda error: error_code(error) in BUSY,
        lambda: cloud.elasticache.modify_user(UserId=user.id, Passwords=passwords),
    )
    wait_until(cloud, f"changing {user.key}", lambda: is_in_force(cloud, user.id))
