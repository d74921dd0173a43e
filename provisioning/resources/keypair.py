"""The key pair: generated here, so that the private half is never sent and a killed run can't lose
it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from provisioning.aws import Cloud
from provisioning.errors import ProvisioningError
from provisioning.model import Found, Want
from provisioning.resources.kind import Kind

REPOSITORY = Path(__file__).resolve().parents[2]


def key_file(name: str) -> Path:
    """The file of the private half, in ~/.ssh or COUPON_KEYS_DIR. Raises ProvisioningError if that
    is inside the repository."""
    folder = Path(os.environ.get("COUPON_KEYS_DIR", "~/.ssh")).expanduser().resolve()
    if folder.is_relative_to(REPOSITORY):
        raise ProvisioningError(
            f"Private keys must not be in the repository ({folder}).",
            todo="Set COUPON_KEYS_DIR to a folder outside it.",
        )
    return folder / f"{name}.pem"


class KeyPair(Kind):
    kind = "key-pair"
    absent = frozenset({"InvalidKeyPair.NotFound"})

    def find_all(self, cloud: Cloud) -> Iterable[Found]:
        pairs = cloud.ec2.describe_key_pairs(Filters=cloud.scope.filters())["KeyPairs"]
        for pair in cloud.scope.only_ours(pairs):
            yield self.found(name=pair["KeyName"], id=pair["KeyName"], props={})

    def create_one(self, cloud: Cloud, want: Want) -> str:
        private = key_file(want.name)
        if not private.exists():
            _generate(private, want.name)
        cloud.ec2.import_key_pair(
            KeyName=want.name,
            PublicKeyMaterial=_public_half(private),
            TagSpecifications=cloud.scope.tagging("key-pair", want.name),
        )
        return want.name

    def delete_one(self, cloud: Cloud, found: Found) -> None:
        """Deletes only AWS' half. The private file stays: it may be the last copy of a used key."""
        cloud.ec2.delete_key_pair(KeyName=found.id)


def _generate(private: Path, comment: str) -> None:
    private.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = private.with_suffix(".new")
    fresh.unlink(missing_ok=True)  # left by a killed run; it was never used
    _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(fresh))
    fresh.with_name(fresh.name + ".pub").unlink()
    fresh.chmod(0o600)
    fresh.rename(private)


def _public_half(private: Path) -> bytes:
    return _run("ssh-keygen", "-y", "-f", str(private))


def _run(*command: str) -> bytes:
    try:
        done = subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError) as failed:
        raise ProvisioningError(
            f"{command[0]} failed for the key {command[-1]}: {failed}",
            todo="Install the OpenSSH client, or remove the file if it is no private key.",
        ) from failed
    return done.stdout
