"""The SNS topic of the alarms, and its subscriptions by mail."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from provisioning.aws import Cloud
from provisioning.client_errors import ignoring
from provisioning.model import Found, Want
from provisioning.resources.kind import Kind
from provisioning.tags import as_dict

UNCONFIRMED = "PendingConfirmation"  # in place of a subscription's ARN until it is confirmed


class Topic(Kind):
    """`readers` is found as (confirmed, asked): a subscription must be confirmed by its owner."""

    kind = "topic"
    absent = frozenset({"NotFound"})
    late = frozenset({"readers"})
    born = {"readers": (frozenset(), frozenset())}

    def find_all(self, cloud: Cloud) -> Iterable[Found]:
        for arn in _named(cloud):
            tags = as_dict(cloud.sns.list_tags_for_resource(ResourceArn=arn)["Tags"])
            if cloud.scope.owns_tags(tags):
                confirmed, asked = _readers(cloud, arn)
                yield self.found(
                    name=tags["Name"],
                    id=arn,
                    props={"readers": (frozenset(confirmed), asked)},
                    shows={"unconfirmed": " ".join(sorted(asked))},
                )

    def create_one(self, cloud: Cloud, want: Want) -> str:
        """AWS refuses if a topic of this name with other tags exists."""
        return cloud.sns.create_topic(Name=want.name, Tags=cloud.scope.tags(want.name))["TopicArn"]

    def change_one(self, cloud: Cloud, found: Found, want: Want, changed: frozenset[str]) -> None:
        confirmed, asked = _readers(cloud, found.id)
        for reader in sorted(want.props["readers"] - confirmed.keys() - asked):
            cloud.sns.subscribe(TopicArn=found.id, Protocol="email", Endpoint=reader)
        for reader in sorted(confirmed.keys() - want.props["readers"]):
            cloud.sns.unsubscribe(SubscriptionArn=confirmed[reader])

    def is_same(self, name: str, found: Any, wanted: Any) -> bool:
        """All wanted addresses are confirmed or were asked. A request for an address that is not
        wanted can't be withdrawn; it expires."""
        confirmed, asked = found
        return bool(confirmed <= wanted <= confirmed | asked)

    def delete_one(self, cloud: Cloud, found: Found) -> None:
        with ignoring("NotFound"):
            cloud.sns.delete_topic(TopicArn=found.id)


def _named(cloud: Cloud) -> Iterator[str]:
    """ARNs of topics with our prefix; the account may have hundreds of others."""
    pages = cloud.sns.get_paginator("list_topics").paginate()
    for topic in (topic for page in pages for topic in page["Topics"]):
        if topic["TopicArn"].rpartition(":")[2].startswith(f"{cloud.scope.prefix}-"):
            yield topic["TopicArn"]


def _readers(cloud: Cloud, topic: str) -> tuple[dict[str, str], frozenset[str]]:
    """(address -> subscription's ARN if confirmed, addresses that were asked to confirm)."""
    pages = cloud.sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    subscriptions = [
        subscription
        for page in pages
        for subscription in page["Subscriptions"]
        if subscription["Protocol"] == "email"
    ]
    confirmed = {
        subscription["Endpoint"]: subscription["SubscriptionArn"]
        for subscription in subscriptions
        if subscription["SubscriptionArn"].startswith("arn:")
    }
    asked = {
        subscription["Endpoint"]
        for subscription in subscriptions
        if subscription["SubscriptionArn"] == UNCONFIRMED
    }
    return confirmed, frozenset(asked)
