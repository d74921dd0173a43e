"""The topology by the cloud's answers: addresses, security groups, routes. Nothing is assumed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_network
from itertools import count
from typing import Any

from provisioning.aws import Cloud
from provisioning.tags import as_dict

OPERATOR = "198.51.100.7"  # TEST-NET-2; the environment is applied for this address
WORLD = "192.0.2.9"  # TEST-NET-1: any user, any package mirror
PUBLIC = "203.0.113.{}"  # TEST-NET-3: replaces the cloud's random public addresses
ANYWHERE = "0.0.0.0/0"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule of a security group: protocol `-1` and port -1 are all. Peers: addresses and group
    ids."""

    protocol: str
    first: int
    last: int
    peers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Group:
    id: str
    ingress: tuple[Rule, ...]
    egress: tuple[Rule, ...]


@dataclass(frozen=True, kw_only=True)
class Place:
    """A resource with an address in the VPC.

    `public` is its address for the outside, `seen_as` the source address of its connections to the
    outside (its own public address, or its NAT's); each empty if there is none.
    """

    name: str
    role: str
    address: str
    groups: tuple[str, ...]
    subnet: str
    id: str = ""
    dns: str = ""
    port: int = 0
    public: str = ""
    seen_as: str = ""


@dataclass(frozen=True, kw_only=True)
class Topology:
    cidr: str
    groups: dict[str, Group]
    places: tuple[Place, ...]

    def role(self, *roles: str) -> tuple[Place, ...]:
        return tuple(place for place in self.places if place.role in roles)

    @property
    def hosts(self) -> tuple[Place, ...]:
        return tuple(place for place in self.places if place.id)

    @property
    def stores(self) -> tuple[Place, ...]:
        return self.role("database", "cache")

    def named(self, name: str) -> Place:
        return next(place for place in self.places if place.name == name)


def read_topology(cloud: Cloud) -> Topology:
    """Read it from the cloud, with describe calls only."""
    ways = _Ways(cloud)
    taken: set[str] = set()
    places: list[Place] = []
    for place in (*_read_hosts(cloud, ways), *_read_balancers(cloud, ways), *_read_stores(cloud)):
        address = place.address or ways.free(place.subnet, taken)
        taken.add(address)
        places.append(ways.outside(place, address))
    return Topology(cidr=ways.cidr, groups=_read_groups(cloud, ways.vpc), places=tuple(places))


def _read_groups(cloud: Cloud, vpc: str) -> dict[str, Group]:
    described = cloud.ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])
    return {
        one["GroupId"]: Group(
            id=one["GroupId"],
            ingress=tuple(_read_rules(one["IpPermissions"])),
            egress=tuple(_read_rules(one["IpPermissionsEgress"])),
        )
        for one in described["SecurityGroups"]
    }


def _read_rules(permissions: Any) -> Iterator[Rule]:
    for one in permissions:
        addresses = [peer["CidrIp"] for peer in one.get("IpRanges", ())]
        groups = [peer["GroupId"] for peer in one.get("UserIdGroupPairs", ())]
        yield Rule(
            protocol=one["IpProtocol"],
            first=one.get("FromPort", -1),
            last=one.get("ToPort", -1),
            peers=(*addresses, *groups),
        )


def _read_hosts(cloud: Cloud, ways: _Ways) -> Iterator[Place]:
    running = cloud.scope.filters(instance_state_name=["running"])
    for reservation in cloud.ec2.describe_instances(Filters=running)["Reservations"]:
        for one in reservation["Instances"]:
            tags, card = as_dict(one["Tags"]), one["NetworkInterfaces"][0]
            yield Place(
                name=tags["Name"],
                role=tags["Role"],
                address=one["PrivateIpAddress"],
                groups=tuple(group["GroupId"] for group in card["Groups"]),
                subnet=one["SubnetId"],
                id=one["InstanceId"],
                public=ways.address() if one.get("PublicIpAddress") else "",
            )


def _read_balancers(cloud: Cloud, ways: _Ways) -> Iterator[Place]:
    for one in cloud.elb.describe_load_balancers()["LoadBalancers"]:
        yield Place(
            name=one["LoadBalancerName"],
            role="balancer",
            address="",
            groups=tuple(one["SecurityGroups"]),
            subnet=one["AvailabilityZones"][0]["SubnetId"],
            dns=one["DNSName"],
            public=ways.address() if one["Scheme"] == "internet-facing" else "",
        )


def _read_stores(cloud: Cloud) -> Iterator[Place]:
    """One address each: the servers here have no replicas."""
    for one in cloud.rds.describe_db_instances()["DBInstances"]:
        yield Place(
            name=one["DBInstanceIdentifier"],
            role="database",
            address="",
            groups=tuple(group["VpcSecurityGroupId"] for group in one["VpcSecurityGroups"]),
            subnet=one["DBSubnetGroup"]["Subnets"][0]["SubnetIdentifier"],
            dns=one["Endpoint"]["Address"],
            port=one["Endpoint"]["Port"],
        )
    answer = cloud.elasticache.describe_cache_subnet_groups()["CacheSubnetGroups"]
    subnets = {one["CacheSubnetGroupName"]: one["Subnets"] for one in answer}
    ends = _read_endpoints(cloud)
    seen: set[str] = set()
    for member in cloud.elasticache.describe_cache_clusters(ShowCacheNodeInfo=True)[
        "CacheClusters"
    ]:
        name = member.get("ReplicationGroupId") or member["CacheClusterId"]
        if name in seen:
            continue
        seen.add(name)
        end = ends.get(name) or member["CacheNodes"][0]["Endpoint"]
        yield Place(
            name=name,
            role="cache",
            address="",
            groups=tuple(group["SecurityGroupId"] for group in member["SecurityGroups"]),
            subnet=subnets[member["CacheSubnetGroupName"]][0]["SubnetIdentifier"],
            dns=end["Address"],
            port=end["Port"],
        )


def _read_endpoints(cloud: Cloud) -> dict[str, Any]:
    answer = cloud.elasticache.describe_replication_groups()["ReplicationGroups"]
    return {one["ReplicationGroupId"]: one["NodeGroups"][0]["PrimaryEndpoint"] for one in answer}


class _Ways:
    """Subnets and the targets of their route tables."""

    def __init__(self, cloud: Cloud) -> None:
        [vpc] = cloud.ec2.describe_vpcs(Filters=cloud.scope.filters())["Vpcs"]
        self.vpc, self.cidr = vpc["VpcId"], vpc["CidrBlock"]
        inside: Any = [{"Name": "vpc-id", "Values": [self.vpc]}]
        self.subnets = {
            one["SubnetId"]: ip_network(one["CidrBlock"])
            for one in cloud.ec2.describe_subnets(Filters=inside)["Subnets"]
        }
        self.tables = cloud.ec2.describe_route_tables(Filters=inside)["RouteTables"]
        self._numbers = count(10)
        self.nats = {
            one["NatGatewayId"]: (one["SubnetId"], self.address())
            for one in cloud.ec2.describe_nat_gateways(Filters=inside)["NatGateways"]
            if one["State"] == "available"
        }

    def address(self) -> str:
        """The next public address of the rehearsal."""
        return PUBLIC.format(next(self._numbers))

    def free(self, subnet: str, taken: set[str]) -> str:
        network = self.subnets[subnet]
        assert isinstance(network, IPv4Network)
        hosts = (str(host) for host in list(network.hosts())[100:])
        return next(host for host in hosts if host not in taken)

    def outside(self, place: Place, address: str) -> Place:
        """The place with its address outside, which needs a public address and a route."""
        direct = self._to_gateway(place.subnet)
        public = place.public if direct else ""
        fields = {**vars(place), "address": address, "public": public}
        return Place(**fields | {"seen_as": public or self._nat(place.subnet)})

    def _nat(self, subnet: str) -> str:
        """The NAT's address, if the subnet's route leads to it and the NAT's own subnet has a route
        out."""
        home, address = self.nats.get(self._way(subnet).get("NatGatewayId", ""), ("", ""))
        return address if home and self._to_gateway(home) else ""

    def _to_gateway(self, subnet: str) -> bool:
        return str(self._way(subnet).get("GatewayId", "")).startswith("igw-")

    def _way(self, subnet: str) -> Any:
        """The default route of the subnet's table (or of the VPC's main one); empty: none."""
        routes = next(
            (table["Routes"] for table in self.tables if self._of(table, subnet)),
            next(table["Routes"] for table in self.tables if self._main(table)),
        )
        return next((one for one in routes if one.get("DestinationCidrBlock") == ANYWHERE), {})

    @staticmethod
    def _of(table: Any, subnet: str) -> bool:
        return any(one.get("SubnetId") == subnet for one in table["Associations"])

    @staticmethod
    def _main(table: Any) -> bool:
        return any(one.get("Main") for one in table["Associations"])
