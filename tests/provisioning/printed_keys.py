"""A host's console as AWS keeps it: that of the newest boot only. cloud-init prints the host's keys
at its first boot, so after a reboot or a stop they are nowhere to be read. moto's console is a
text of long ago."""

from __future__ import annotations

import base64
import hashlib
import os
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ec2.models import EC2Backend
from moto.ec2.responses.general import General
from moto.ec2.utils import Base64EncodedString  # type: ignore[attr-defined]


def install_consoles() -> None:
    if "CLOUD_TOLD" in os.environ:
        return  # the rehearsal's hosts have consoles of their own: real_hosts.py
    for name in ("reboot_instances", "stop_instances"):
        _then_clear(name)

    def console_output(self: Any) -> ActionResult:
        instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
        booted_again = getattr(instance, "booted_again", False)
        text = "[ 0.0 ] Linux\n" if booted_again else _first_boot(instance.id)
        output = Base64EncodedString.from_raw_string(text)
        return ActionResult({"InstanceId": instance.id, "Timestamp": utcnow(), "Output": output})

    General.get_console_output = console_output  # type: ignore[method-assign]


def host_key(instance: str) -> str:
    """The public key that the host with this id prints."""
    return base64.b64encode(hashlib.sha256(instance.encode()).digest()).decode()


def _first_boot(instance: str) -> str:
    key = f"ssh-ed25519 {host_key(instance)} root@ip-10-0-0-4"
    return (
        "cloud-init: done\n-----BEGIN SSH HOST KEY KEYS-----\n"
        f"{key}\n-----END SSH HOST KEY KEYS-----\n"
    )


def _then_clear(name: str) -> None:
    real = getattr(EC2Backend, name)

    def clear_console(self: Any, instance_ids: list[str], *args: Any, **named: Any) -> Any:
        for id in instance_ids:
            self.get_instance(id).booted_again = True
        return real(self, instance_ids, *args, **named)

    setattr(EC2Backend, name, clear_console)
