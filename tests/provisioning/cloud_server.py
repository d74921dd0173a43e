"""moto's server, made as strict as AWS, with the operations added that we need.

From the repository's root: `python -m tests.provisioning.cloud_server PORT FILE_FOR_IMAGES`.
Everything here is test equipment; provisioning/README.md lists what it can't prove about AWS.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from coupons.management.arguments import SentenceParser, Whole, output_file
from tests.provisioning.kept_states import ForkingServer

AMIS = [
    {
        "architecture": arch,
        "ami_id": f"ami-0{number}0000000000000{number}",
        "creation_date": created,
        "description": "Canonical, Ubuntu, 24.04",
        "hypervisor": "xen",
        "image_location": f"099720109477/{name}",
        "image_type": "machine",
        "name": name,
        "owner_id": "099720109477",
        "platform": None,
        "public": True,
        "root_device_name": "/dev/sda1",
        "root_device_type": "ebs",
        "sriov": "simple",
        "state": "available",
        "virtualization_type": "hvm",
    }
    for number, (arch, machine, created) in enumerate(
        [
            ("x86_64", "amd64", "2026-09-01T00:00:00.000Z"),
            ("x86_64", "amd64", "2026-10-01T00:00:00.000Z"),
            ("arm64", "arm64", "2026-10-01T00:00:00.000Z"),
        ],
        start=1,
    )
    for name in [f"ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-{machine}-server-{created[:10]}"]
]


def parser() -> SentenceParser:
    whole = SentenceParser(prog="python -m tests.provisioning.cloud_server", description=__doc__)
    whole.add_argument("port", type=Whole(1, 65_535))
    whole.add_argument("images", type=output_file, help="file that its images are written to")
    return whole


def main() -> None:
    asked = parser().parse_args()
    amis: Path = asked.images.absolute()
    amis.parent.mkdir(parents=True, exist_ok=True)
    amis.write_text(json.dumps(AMIS))
    os.environ.update(
        {
            "MOTO_AMIS_PATH": str(amis),
            "MOTO_ENABLE_AMI_VALIDATION": "true",
            "MOTO_ENABLE_KEYPAIR_VALIDATION": "true",
            "MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION": "true",
            "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
        }
    )
    # moto reads its settings when it is imported, so the imports can't stand at the top
    from werkzeug.serving import make_server  # noqa: PLC0415

    from tests.provisioning import stricter  # noqa: PLC0415

    forking = ForkingServer(amis.with_suffix(".states"))
    app = forking.served_beside(stricter.strict_application())
    forking.serve_forever(make_server("127.0.0.1", asked.port, app))


if __name__ == "__main__":
    main()
