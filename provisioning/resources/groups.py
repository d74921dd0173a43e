"""Security groups, and their rules as a separate kind: groups refer to each other in circles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from provisioning.aws import Cloud
from provisioning.client_errors import ignoring
from provisioning.model import Found, Want
from provisioning.resources.kind import Kind
from provisioning.tags import as_dict
from provisioning.waiting import only_answer

# A rule is (protocol, first port, last port, peer): the peer is a CIDR or another group's id.
Rule = tuple[str, int, int, str]


class SecurityGroup(Kind):
    kind = "group"
    absent = frozenset({"InvalidGroup.NotFound"})

    def find_all(self, cloud: Cloud) -> Iterable[Found]:
        for group in _ours(cloud):
            if group["GroupName"] != "default":
                name = as_dict(group["Tags"])["Name"]
                yield self.found(name=name, id=group["GroupId"], props={"vpc": group["VpcId"]})

    def create_one(self, cloud: Cloud, want: Want) -> str:
        response = cloud.ec2.create_security_group(
            GroupName=want.name,
            Description=want.hidden["description"],
            VpcId=want.props["vpc"],
            TagSpecifications=cloud.scope.tagging("security-group", want.name),
        )
        return response["GroupId"]

    def delete_one(self, cloud: Cloud, found: Found) -> None:
        with ignoring("InvalidGroup.NotFound"):
            cloud.ec2.delete_security_group(GroupId=found.id)


class DefaultGroup(Kind):
    """The group that AWS creates with every VPC. It is taken over by tagging, and deleted with its
    VPC."""

    kind = "default-group"
    absent = frozenset({"InvalidGroup.NotFound"})

    def find_all(self, cloud: Cloud) -> Iterable[Found]:
        for group in _ours(cloud):
            if group["GroupName"] == "default":
                name = as_dict(group["Tags"])["Name"]
                yield self.found(name=name, id=group["GroupId"], props={"vpc": group["VpcId"]})

    def create_one(self, cloud: Cloud, want: Want) -> str:
        wanted: Any = [
            {"Name": "vpc-id", "Values": [want.props["vpc"]]},
            {"Name": "group-name", "Values": ["default"]},
        ]
        id = only_answer(cloud.ec2.describe_security_groups(Filters=wanted)["SecurityGroups"])[
            "GroupId"
        ]
        cloud.ec2.create_tags(Resources=[id], Tags=cloud.scope.tags(want.name))
        return id

    def delete_one(self, cloud: Cloud, found: Found) -> None:
        """Only removes our tags; AWS deletes the group with the VPC."""
        with ignoring("InvalidGroup.NotFound"):
            tags = [{"Key": tag["Key"]} for tag in cloud.scope.tags(found.name)]
            cloud.ec2.delete_tags(Resources=[found.id], Tags=tags)  # type: ignore[arg-type]


class Rules(Kind):
    """All rules of one group. What isn't listed is denied, in both directions."""

    kind = "rules"
    absent = frozenset({"InvalidGroup.NotFound"})

    def find_all(self, cloud: Cloud) -> Iterable[Found]:
        for group in _ours(cloud):
            name = as_dict(group["Tags"])["Name"]
            yield self.found(name=name, id=group["GroupId"], props=_rules(group))

    def create_one(self, cloud: Cloud, want: Want) -> str:
        id: str = want.props["group"]
        found = self.found(name=want.name, id=id, props={})
        self.change_one(cloud, found, want, frozenset({"ingress", "egress"}))
        return id

    def change_one(self, cloud: Cloud, found: Found, want: Want, changed: frozenset[str]) -> None:
        """Compared with the rules of this moment: an attempt that AWS refused may have set some."""
        groups = cloud.ec2.describe_security_groups(GroupIds=[found.id])["SecurityGroups"]
        rules = _rules(only_answer(groups))
        if "ingress" in changed:
            _set_ingress(cloud, found.id, rules["ingress"], want.props["ingress"])
        if "egress" in changed:
            _set_egress(cloud, found.id, rules["egress"], want.props["egress"])

    def delete_one(self, cloud: Cloud, found: Found) -> None:
        """In both directions: AWS deletes no group that a rule of another group names, and groups
        name each other in circles."""
        for direction, empty_rules in (("ingress", _set_ingress), ("egress", _set_egress)):
            with ignoring("InvalidGroup.NotFound", "InvalidPermission.NotFound"):
                empty_rules(cloud, found.id, found.props[direction], frozenset())


def _ours(cloud: Cloud) -> Iterator[Any]:
    pages = cloud.ec2.get_paginator("describe_security_groups").paginate(
        Filters=cloud.scope.filters()
    )
    return cloud.scope.only_ours(group for page in pages for group in page["SecurityGroups"])


def _rules(group: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "group": group["GroupId"],
        "ingress": frozenset(_flat(group["IpPermissions"])),
        "egress": frozenset(_flat(group["IpPermissionsEgress"])),
    }


def _flat(permissions: Iterable[Mapping[str, Any]]) -> Iterator[Rule]:
    """One rule for each peer, which is easier to compare; AWS groups peers by port."""
    for rule in permissions:
        ports = (rule["IpProtocol"], rule.get("FromPort", -1), rule.get("ToPort", -1))
        peers = [peer["CidrIp"] for peer in rule.get("IpRanges", ())]
        peers += [peer["CidrIpv6"] for peer in rule.get("Ipv6Ranges", ())]
        peers += [peer["GroupId"] for peer in rule.get("UserIdGroupPairs", ())]
        peers += [peer["PrefixListId"] for peer in rule.get("PrefixListIds", ())]
        for peer in peers:
            yield (*ports, peer)


def _permissions(rules: Iterable[Rule]) -> Any:
    return [_permission(rule) for rule in sorted(rules)]


def _permission(rule: Rule) -> dict[str, Any]:
    protocol, first, last, peer = rule
    if peer.startswith("sg-"):
        peers: dict[str, Any] = {"UserIdGroupPairs": [{"GroupId": peer}]}
    elif peer.startswith("pl-"):
        peers = {"PrefixListIds": [{"PrefixListId": peer}]}
    elif ":" in peer:
        peers = {"Ipv6Ranges": [{"CidrIpv6": peer}]}
    else:
        peers = {"IpRanges": [{"CidrIp": peer}]}
    ports = {} if protocol == "-1" else {"FromPort": first, "ToPort": last}
    return {"IpProtocol": protocol, **ports, **peers}


def _set_ingress(cloud: Cloud, id: str, found: frozenset[Rule], wanted: frozenset[Rule]) -> None:
    if extra := found - wanted:
        cloud.ec2.revoke_security_group_ingress(GroupId=id, IpPermissions=_permissions(extra))
    if missing := wanted - found:
        cloud.ec2.authorize_security_group_ingress(GroupId=id, IpPermissions=_permissions(missing))


def _set_egress(cloud: Cloud, id: str, found: frozenset[Rule], wanted: frozenset[Rule]) -> None:
    if missing := wanted - found:
        cloud.ec2.authorize_security_group_egress(GroupId=id, IpPermissions=_permissions(missing))
    if extra := found - wanted:
        cloud.ec2.revoke_security_group_egress(GroupId=id, IpPermissions=_permissions(extra))
