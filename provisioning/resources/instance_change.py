"""Changes of an existing host."""

from __future__ import annotations

from provisioning.aws import Cloud
from provisioning.model import Found, Want
from provisioning.waiting import wait_until


def change_instance(cloud: Cloud, found: Found, want: Want, changed: frozenset[str]) -> None:
    """Each difference is one call: if the run is killed in between, the next run does the rest."""
    wanted = want.props
    if "imdsv2" in changed:
        cloud.ec2.modify_instance_metadata_options(
            InstanceId=found.id, HttpTokens="required", HttpPutResponseHopLimit=1
        )
    if "groups" in changed:
        cloud.ec2.modify_instance_attribute(InstanceId=found.id, Groups=sorted(wanted["groups"]))
    if "protected" in changed:
        cloud.ec2.modify_instance_attribute(
            InstanceId=found.id, DisableApiTermination={"Value": wanted["protected"]}
        )
    if "role" in changed:
        cloud.ec2.create_tags(
            Resources=[found.id], Tags=cloud.scope.tags(want.name, Role=wanted["role"])
        )
    if "detailed" in changed:
        call = cloud.ec2.monitor_instances if wanted["detailed"] else cloud.ec2.unmonitor_instances
        call(InstanceIds=[found.id])
    if "disk_gb" in changed:
        cloud.ec2.modify_volume(VolumeId=found.more["volume"], Size=wanted["disk_gb"])
    if "profile" in changed:
        _set_profile(cloud, found, wanted["profile"])
    if "type" in changed:
        _stop(cloud, found)
        cloud.ec2.modify_instance_attribute(
            InstanceId=found.id, InstanceType={"Value": wanted["type"]}
        )
    if changed & {"type", "running"}:
        _start_or_stop(cloud, found, starts=wanted["running"])


def _start_or_stop(cloud: Cloud, found: Found, *, starts: bool) -> None:
    """A host that was stopped keeps its disk and private address, and gets a new public one."""
    if not starts:
        _stop(cloud, found)
        return
    cloud.ec2.start_instances(InstanceIds=[found.id])
    wait_until(cloud, f"starting {found.name}", lambda: _is(cloud, found.id, "running"))


def _set_profile(cloud: Cloud, found: Found, profile: str) -> None:
    links = cloud.ec2.describe_iam_instance_profile_associations(
        Filters=[{"Name": "instance-id", "Values": [found.id]}]
    )["IamInstanceProfileAssociations"]
    if links and profile:
        cloud.ec2.replace_iam_instance_profile_association(
            AssociationId=links[0]["AssociationId"], IamInstanceProfile={"Name": profile}
        )
    elif links:
        cloud.ec2.disassociate_iam_instance_profile(AssociationId=links[0]["AssociationId"])
    elif profile:
        cloud.ec2.associate_iam_instance_profile(
            InstanceId=found.id, IamInstanceProfile={"Name": profile}
        )


def _stop(cloud: Cloud, found: Found) -> None:
    cloud.ec2.stop_instances(InstanceIds=[found.id])
    wait_until(cloud, f"stopping {found.name}", lambda: _is(cloud, found.id, "stopped"))


def _is(cloud: Cloud, id: str, state: str) -> bool:
    reservations = cloud.ec2.describe_instances(InstanceIds=[id])["Reservations"]
    return any(h["State"]["Name"] == state for r in reservations for h in r["Instances"])
