"""EC2 hosts: IMDSv2 only, encrypted gp3, one launch per name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

from provisioning.aws import Cloud
from provisioning.client_errors import error_code, ignoring
from provisioning.model import Found, Want
from provisioning.resources.image import image_for
from provisioning.resources.instance_change import change_instance
from provisioning.resources.kind import Kind
from provisioning.tags import as_dict
from provisioning.waiting import eventually

DETAILED_METRICS = 7  # that EC2 bills for a host with detailed monitoring
ALIVE = ["pending", "running", "stopping", "stopped"]


def host_keys_path(cloud: Cloud) -> str:
    """Where the hosts' public SSH keys are stored in SSM, each under its instance's id."""
    return f"{cloud.scope.path}/host-keys"


class Instance(Kind):
    kind = "host"
    absent = frozenset({"InvalidInstanceID.NotFound"})

    def find_all(self, cloud: Cloud) -> Iterable[Found]:
        filters = cloud.scope.filters(instance_state_name=ALIVE)
        pages = cloud.ec2.get_paginator("describe_instances").paginate(Filters=filters)
        hosts = [
            host for page in pages for r in page["Reservations"] for host in r["Instances"]
        ]  # fmt: skip
        disks = _root_disks(cloud) if hosts else {}
        for host in cloud.scope.only_ours(hosts):
            yield self._found(cloud, host, disks.get(host["InstanceId"], {}))

    def _found(self, cloud: Cloud, host: Any, disk: Any) -> Found:
        tags = as_dict(host["Tags"])
        protection = cloud.ec2.describe_instance_attribute(
            InstanceId=host["InstanceId"], Attribute="disableApiTermination"
        )
        return self.found(
            name=tags["Name"],
            id=host["InstanceId"],
            props={
                "type": host["InstanceType"],
                "subnet": host["SubnetId"],
                "key": host.get("KeyName", ""),
                "groups": frozenset(_groups(host)),
                "profile": host.get("IamInstanceProfile", {}).get("Arn", "").rpartition("/")[2],
                "imdsv2": _is_guarded(host["MetadataOptions"]),
                "protected": protection["DisableApiTermination"]["Value"],
                "running": host["State"]["Name"] in ("pending", "running"),
                "role": tags.get("Role", ""),
                "detailed": host["Monitoring"]["State"] in ("enabled", "pending"),
                "image": host["ImageId"],
                **({"release": tags["Release"]} if "Release" in tags else {}),
                **({"disk_gb": disk["Size"], "encrypted": disk["Encrypted"]} if disk else {}),
                **_address(host),
            },
            more={"volume": disk.get("VolumeId", "")},
            ready=host["State"]["Name"] in ("running", "stopped"),
            shows={
                "private_ip": host.get("PrivateIpAddress", ""),
                "public_ip": host.get("PublicIpAddress", ""),
                "zone": host["Placement"]["AvailabilityZone"],
                "role": tags.get("Role", ""),
            },
        )

    def create_one(self, cloud: Cloud, want: Want) -> str:
        token = _token(cloud, want)
        try:
            return self._launch(cloud, want, token)
        except cloud.ec2.exceptions.ClientError as error:
            # The host of this token was terminated by hand: launch another one, without a token.
            if error_code(error) != "IdempotentInstanceTerminated":
                raise
            return self._launch(cloud, want, "")

    def _launch(self, cloud: Cloud, want: Want, token: str) -> str:
        request = _request(cloud, want)
        if token:
            request["ClientToken"] = token
        response = eventually(
            cloud,
            f"the launch of {want.name}",
            "Invalid IAM Instance Profile",
            lambda: cloud.ec2.run_instances(**request),
        )
        return response["Instances"][0]["InstanceId"]

    def change_one(self, cloud: Cloud, found: Found, want: Want, changed: frozenset[str]) -> None:
        change_instance(cloud, found, want, changed)

    def is_ready(self, cloud: Cloud, id: str) -> bool:
        """A stopped host is ready to be started; who starts one waits for it himself."""
        return _state(cloud, id) in ("running", "stopped")

    def delete_one(self, cloud: Cloud, found: Found) -> None:
        with ignoring("InvalidInstanceID.NotFound"):
            if found.props["protected"]:
                cloud.ec2.modify_instance_attribute(
                    InstanceId=found.id, DisableApiTermination={"Value": False}
                )
            cloud.ec2.terminate_instances(InstanceIds=[found.id])
        with ignoring("ParameterNotFound"):
            cloud.ssm.delete_parameter(Name=f"{host_keys_path(cloud)}/{found.id}")

    def is_gone(self, cloud: Cloud, found: Found) -> bool:
        return _state(cloud, found.id) in ("terminated", "")

    def price_items(self, want: Want) -> dict[str, float]:
        size = want.props["type"]
        address = {"public_address": 1.0} if want.props["public_ip"] else {}
        detailed = {"metric": DETAILED_METRICS} if want.props["detailed"] else {}
        disk = {"ebs_gp3_gb": want.props["disk_gb"]}
        running = {f"ec2/{size}": 1, **address, **detailed}
        return {**running, **disk} if want.props["running"] else disk


def _request(cloud: Cloud, want: Want) -> dict[str, Any]:
    p = want.props
    image = image_for(cloud, release=want.hidden["release"], type=p["type"], ami=want.hidden["ami"])
    disk = {"VolumeSize": p["disk_gb"], "VolumeType": "gp3", "Encrypted": p["encrypted"]}
    request: dict[str, Any] = {
        "ImageId": image.id,
        "InstanceType": p["type"],
        "MinCount": 1,
        "MaxCount": 1,
        "KeyName": p["key"],
        "SubnetId": p["subnet"],
        "SecurityGroupIds": sorted(p["groups"]),
        "DisableApiTermination": p["protected"],
        "Monitoring": {"Enabled": p["detailed"]},
        "MetadataOptions": {
            "HttpTokens": "required" if p["imdsv2"] else "optional",
            "HttpPutResponseHopLimit": 1,
            "HttpEndpoint": "enabled",
        },
        "BlockDeviceMappings": [
            {"DeviceName": image.root, "Ebs": {**disk, "DeleteOnTermination": True}}
        ],
        "TagSpecifications": [
            *cloud.scope.tagging("instance", want.name, Role=p["role"], **_release(want)),
            *cloud.scope.tagging("volume", want.name),
        ],
    }
    if p["profile"]:
        request["IamInstanceProfile"] = {"Name": p["profile"]}
    return request


def _token(cloud: Cloud, want: Want) -> str:
    """The client token: equal for the same launch, so that a run after a killed one gets the same
    host.

    AWS lists a new host only after some seconds; until then it can't be found by its tags.
    """
    fixed = {k: want.props[k] for k in ("subnet", "type", "key", "public_ip")}
    launch = {**fixed, **want.hidden}
    parts = [cloud.scope.prefix, want.name, *(f"{k}={v}" for k, v in launch.items())]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:64]


def _release(want: Want) -> dict[str, str]:
    """What the image was, for later plans: an image's id doesn't say it."""
    return {"Release": want.props["release"]} if "release" in want.props else {}


def _groups(host: Any) -> Iterator[str]:
    for group in host.get("SecurityGroups", ()):
        yield group["GroupId"]


def _address(host: Any) -> dict[str, bool]:
    """Known of a running host only: a starting or stopped one has no public address."""
    running = host["State"]["Name"] == "running"
    return {"public_ip": bool(host.get("PublicIpAddress"))} if running else {}


def _root_disks(cloud: Cloud) -> dict[str, Any]:
    """Instance -> its only volume, as AWS describes it."""
    pages = cloud.ec2.get_paginator("describe_volumes").paginate(Filters=cloud.scope.filters())
    return {
        link["InstanceId"]: volume
        for page in pages
        for volume in page["Volumes"]
        for link in volume["Attachments"]
    }


def _state(cloud: Cloud, id: str) -> str:
    with ignoring("InvalidInstanceID.NotFound"):
        for reservation in cloud.ec2.describe_instances(InstanceIds=[id])["Reservations"]:
            for host in reservation["Instances"]:
                return host["State"]["Name"]
    return ""


def _is_guarded(options: Any) -> bool:
    """Whether the metadata wants a token, and no answer goes further than to the host itself: not
    to a container on it, nor through a proxy."""
    hops = int(options.get("HttpPutResponseHopLimit", 1))
    return bool(options["HttpTokens"] == "required" and hops == 1)
