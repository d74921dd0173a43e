"""The cloud of a rehearsal: moto's server on the operator's laptop, and our provisioning."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import boto3

from provisioning.spec.load import load_spec
from provisioning.spec.model import Spec
from tests.provisioning.running_cloud import serve_cloud
from tests.rehearsal.certificates import Authority
from tests.rehearsal.topology import OPERATOR

ROOT = Path(__file__).parents[2]
LOGS = ROOT / "build" / "rehearsal"
PORT = 5000
URL = f"http://127.0.0.1:{PORT}"
DOMAIN = "coupons.example.com"  # of the site, as on the page


def cloud_environment(folder: Path) -> dict[str, str]:
    """For provisioning and Ansible: reaches only this cloud, reads no real credentials."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "COUPON_"))}
    return inherited | {
        "AWS_ENDPOINT_URL": URL,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "ap-northeast-2",
        "AWS_CONFIG_FILE": str(folder / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "COUPON_KEYS_DIR": str(folder / "keys"),
        "COUPON_OPERATOR": f"{OPERATOR}/32",
        "CLOUD_TOLD": str(folder / "told"),
        # For users' clients, which trust the rehearsal's authority in place of the world's.
        "SSL_CERT_FILE": str(folder / "authority" / "authority.pem"),
        "CURL_CA_BUNDLE": str(folder / "authority" / "authority.pem"),
    }


@contextmanager
def running_cloud(folder: Path) -> Iterator[None]:
    """Run moto's server during the block; this process's environment points to it."""
    (folder / "told").mkdir(parents=True, exist_ok=True)
    with _environment_of(cloud_environment(folder)), serve_cloud(folder, port=PORT):
        yield


def spec_of(name: str, *, certificate: str) -> Spec:
    return load_spec(environment=name, operator=(f"{OPERATOR}/32",), certificate=certificate)


def import_certificate(authority: Authority) -> str:
    """A certificate for the site's name, in the account. Returns its ARN."""
    certificate, key = authority.sign(DOMAIN)
    found = boto3.client("acm").import_certificate(
        Certificate=certificate.read_bytes(), PrivateKey=key.read_bytes()
    )
    return str(found["CertificateArn"])


@contextmanager
def _environment_of(variables: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
