"""The Ubuntu image of a new host: Canonical's newest of a release, or a fixed one."""

from __future__ import annotations

from dataclasses import dataclass

from provisioning.aws import Cloud
from provisioning.errors import ProvisioningError
from provisioning.prices import load_prices
from provisioning.spec.releases import UBUNTU

CANONICAL = "099720109477"


@dataclass(frozen=True)
class Image:
    id: str
    root: str  # the root disk's device name; a mapping under another name would add a disk


def image_for(cloud: Cloud, *, release: str, type: str, ami: str) -> Image:
    """The image to launch. A newer image replaces no running host: Ansible patches those. Raises
    ProvisioningError if there is none."""
    if ami:
        images = cloud.ec2.describe_images(ImageIds=[ami])["Images"]
    else:
        arch = load_prices().arch[type]
        images = cloud.ec2.describe_images(
            Owners=[CANONICAL],
            Filters=[
                {"Name": "name", "Values": [_pattern(release, arch)]},
                {"Name": "architecture", "Values": [arch]},
                {"Name": "state", "Values": ["available"]},
            ],
        )["Images"]
    if not images:
        raise ProvisioningError(
            f"There is no Ubuntu {release} image for {type} in {cloud.region}.",
            todo="Set image.ami in the spec, or another image.release.",
        )
    newest = max(images, key=lambda image: image["CreationDate"])
    return Image(id=newest["ImageId"], root=newest["RootDeviceName"])


def _pattern(release: str, arch: str) -> str:
    machine = {"x86_64": "amd64", "arm64": "arm64"}[arch]
    return f"ubuntu/images/hvm-ssd*/ubuntu-{UBUNTU[release]}-{release}-{machine}-server-*"
