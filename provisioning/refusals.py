"""AWS' error codes as sentences with what to do."""

from __future__ import annotations

from provisioning.errors import AwsRefused

# code, or its beginning: what it means here, and what to do
SENTENCES: dict[str, tuple[str, str]] = {
    "InsufficientInstanceCapacity": (
        "AWS has no free machine of this size in this zone right now.",
        "Apply again in some minutes, or choose another size or zone in the spec.",
    ),
    "InsufficientCacheClusterCapacity": (
        "AWS has no free cache node of this size in this zone right now.",
        "Apply again in some minutes, or choose another size in the spec.",
    ),
    "InsufficientDBInstanceCapacity": (
        "AWS has no free database machine of this size in these zones right now.",
        "Apply again in some minutes, or choose another size in the spec.",
    ),
    "CapacityDecreaseRequestLimitExceeded": (
        "AWS allows few reductions of a reservation a day, and today's are used up.",
        "It stays reserved, and billed: run the same command again tomorrow.",
    ),
    "CapacityUnitsLimitExceeded": (
        "The account's quota of reserved LCU is smaller.",
        "Ask for more under Service Quotas > Elastic Load Balancing, then warm again.",
    ),
    "CapacityReservationPending": (
        "AWS is still at work on the reservation's last change.",
        "Run the same command again in some minutes.",
    ),
    "PriorRequestNotComplete": (
        "AWS is still at work on the reservation's last change.",
        "Run the same command again in some minutes.",
    ),
    "VcpuLimitExceeded": (
        "The account's quota of vCPUs is used up.",
        "Ask for more under Service Quotas > EC2 > Running On-Demand instances, then apply again.",
    ),
    "InstanceLimitExceeded": (
        "The account's quota of instances is used up.",
        "Ask for more under Service Quotas > EC2, then apply again.",
    ),
    "AddressLimitExceeded": (
        "The account's quota of elastic addresses is used up.",
        "Release one, or ask for more under Service Quotas > EC2 > Elastic IPs, then apply again.",
    ),
    "VpcLimitExceeded": (
        "The region's quota of VPCs (5 unless raised) is used up.",
        "Delete one, or ask for more under Service Quotas > VPC, then apply again.",
    ),
    "Throttling": ("AWS is throttling this account.", "Apply again in a minute; it continues."),
    "RequestLimitExceeded": (
        "AWS is throttling this account.",
        "Apply again in a minute; it continues.",
    ),
    "UnauthorizedOperation": (
        "These credentials may not do that.",
        "Run doctor to see which permissions are missing.",
    ),
    "AccessDenied": (
        "These credentials may not do that.",
        "Run doctor to see which permissions are missing.",
    ),
    "AuthFailure": ("AWS doesn't accept these credentials.", "Check AWS_PROFILE or sign in again."),
    "ExpiredToken": ("These credentials have expired.", "Sign in again."),
    "InvalidClientTokenId": ("AWS doesn't know these credentials.", "Check AWS_PROFILE."),
    "OptInRequired": ("The account isn't signed up for this.", "Finish the account's sign-up."),
    "DependencyViolation": (
        "Another resource still uses it.",
        "Run status: remove what isn't ours by hand; what is ours is removed by the next run.",
    ),
    "InvalidParameterCombination": (
        "AWS doesn't offer this combination of size, version and options.",
        "Change the spec; the sentence above says which part.",
    ),
}
# Refusals that pass: asked again within the spec's `waiting`.
BUSY = frozenset(  # AWS is at work on it: creating, changing, backing up, or deleting it already
    {
        "InvalidReplicationGroupState", "InvalidCacheClusterState", "InvalidDBInstanceState",
        "InvalidUserState", "InvalidUserGroupState",
    }
)  # fmt: skip
STILL_USED = frozenset(  # by what is being deleted: stores and balancers go, then their interfaces
    {
        "CacheSubnetGroupInUse", "InvalidCacheParameterGroupState", "InvalidDBParameterGroupState",
        "InvalidDBSubnetGroupStateFault", "InvalidDBSubnetGroupState",
        "DependencyViolation", "InvalidIPAddress.InUse", "ResourceInUse",
        "DefaultUserAssociatedToUserGroup",
    }
)  # fmt: skip
TAKEN = ("AlreadyExists", "Duplicate", "EntityAlreadyExists", "InUse")
QUOTA = ("LimitExceeded", "QuotaExceeded", "QuotaForCustomerExceeded", "TooMany")


def explain_refusal(*, code: str, message: str, doing: str) -> AwsRefused:
    """AwsRefused for any AWS error: known codes with what to do, others with AWS' own message."""
    for prefix, (meaning, todo) in SENTENCES.items():
        if code.startswith(prefix):
            return AwsRefused(f"{doing}: {meaning} ({message})", todo=todo, aws_code=code)
    if any(word in code for word in TAKEN) or "already exists" in message:
        return AwsRefused(
            f"{doing}: the name is used by a resource without our tags, or by another run. "
            f"({message})",
            todo="Rename ours in the spec, or remove the other one by hand.",
            aws_code=code,
        )
    if any(word in code for word in QUOTA):
        return AwsRefused(
            f"{doing}: a quota of the account is used up. ({message})",
            todo="Ask for more under Service Quotas, then apply again.",
            aws_code=code,
        )
    return AwsRefused(f"{doing}: {message} ({code})", aws_code=code)
