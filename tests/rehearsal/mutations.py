"""Mistakes in an account that the packets must detect, each made and reverted here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from provisioning.aws import Cloud
from provisioning.model import Found
from provisioning.resources.cache import CacheGroup
from provisioning.waiting import wait_until
from tests.rehearsal.packets import Pair
from tests.rehearsal.topology import ANYWHERE, Topology

Mistake = Callable[[Cloud, Topology], AbstractContextManager[None]]


@dataclass(frozen=True)
class Mutation:
    """`shows` are some of the connections that must be missing."""

    name: str
    apply: Mistake
    shows: frozenset[Pair]


@contextmanager
def rule_dropped(cloud: Cloud, topology: Topology) -> Iterator[None]:
    """The database's security group no longer allows the consumers."""
    database, consumer = topology.role("database")[0], topology.role("consumer")[0]
    rule: Any = {
        "GroupId": database.groups[0],
        "IpPermissions": [{
            "IpProtocol": "tcp", "FromPort": database.port, "ToPort": database.port,
            "UserIdGroupPairs": [{"GroupId": consumer.groups[0]}],
        }],
    }  # fmt: skip
    cloud.ec2.revoke_security_group_ingress(**rule)
    yield
    cloud.ec2.authorize_security_group_ingress(**rule)


@contextmanager
def gateway_route_dropped(cloud: Cloud, topology: Topology) -> Iterator[None]:
    """The public subnets lose their default route: no connections in, none out by NAT either."""
    subnet: Any = [
        {"Name": "association.subnet-id", "Values": [topology.role("bastion")[0].subnet]}
    ]
    [table] = cloud.ec2.describe_route_tables(Filters=subnet)["RouteTables"]
    [way] = [one for one in table["Routes"] if one.get("DestinationCidrBlock") == ANYWHERE]
    where: Any = {"RouteTableId": table["RouteTableId"], "DestinationCidrBlock": ANYWHERE}
    cloud.ec2.delete_route(**where)
    yield
    cloud.ec2.create_route(**where, GatewayId=way["GatewayId"])


@contextmanager
def api_among_the_databases(cloud: Cloud, topology: Topology) -> Iterator[None]:
    """One more api host, in the subnet of the stores."""
    api, database = topology.role("api")[0], topology.role("database")[0]
    described = cloud.ec2.describe_instances(InstanceIds=[api.id])
    one = described["Reservations"][0]["Instances"][0]
    reply = cloud.ec2.run_instances(
        ImageId=one["ImageId"], InstanceType=one["InstanceType"], MinCount=1, MaxCount=1,
        SubnetId=database.subnet, SecurityGroupIds=list(api.groups),
        TagSpecifications=cloud.scope.tagging("instance", "coupon-api-3", Role="api"),
    )  # fmt: skip
    yield
    cloud.ec2.terminate_instances(InstanceIds=[reply["Instances"][0]["InstanceId"]])


@contextmanager
def wrong_redis_port(cloud: Cloud, topology: Topology) -> Iterator[None]:
    """One more cache, on a port that no security group allows."""
    store = topology.role("cache")[0]
    described: Any = cloud.elasticache.describe_cache_clusters()["CacheClusters"]
    like = next(one for one in described if one.get("ReplicationGroupId") == store.name)
    cloud.elasticache.create_replication_group(
        ReplicationGroupId="coupon-other", ReplicationGroupDescription="elsewhere", Port=6390,
        Engine="valkey", CacheNodeType="cache.t4g.small", NumCacheClusters=1,
        SecurityGroupIds=list(store.groups), CacheSubnetGroupName=like["CacheSubnetGroupName"],
    )  # fmt: skip
    other, kind = Found(kind="cache-group", name="other", id="coupon-other", props={}), CacheGroup()
    wait_until(cloud, "making the other cache", lambda: kind.is_ready(cloud, other.id))
    yield
    cloud.elasticache.delete_replication_group(ReplicationGroupId=other.id)
    wait_until(cloud, "removing the other cache", lambda: kind.is_gone(cloud, other))


MUTATIONS = (
    Mutation(
        "a security-group rule dropped",
        rule_dropped,
        frozenset({
            Pair("coupon-consumer-1", "coupon-production-db", 3306),
            Pair("coupon-consumer-2", "coupon-production-db", 3306),
        }),
    ),
    Mutation(
        "the internet gateway's route dropped",
        gateway_route_dropped,
        frozenset({
            Pair("operator", "coupon-bastion", 22), Pair("world", "coupon-lb", 80),
            Pair("coupon-api-1", "world", 443),
        }),
    ),
    Mutation(
        "an api host in the database's subnet",
        api_among_the_databases,
        frozenset({Pair("coupon-api-3", "world", 80), Pair("coupon-api-3", "world", 443)}),
    ),
    Mutation(
        "a wrong Redis port",
        wrong_redis_port,
        frozenset({
            Pair("coupon-api-1", "coupon-other", 6390),
            Pair("coupon-consumer-1", "coupon-other", 6390),
        }),
    ),
)  # fmt: skip
