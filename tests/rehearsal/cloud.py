"""The cloud of a rehearsal: moto's server on the operator's laptop, and our provisioning."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from provisioning.aws import Cloud, connect_cloud
from provisioning.spec.model import Spec
from tests.provisioning import specs
from tests.provisioning.running_cloud import serve_cloud
from tests.rehearsal.topology import OPERATOR

ROOT = Path(__file__).parents[2]
PORT = 5000
URL = f"http://127.0.0.1:{PORT}"


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
    }


@contextmanager
def running_cloud(folder: Path) -> Iterator[None]:
    """Run moto's server during the block; this process's environment points to it."""
    (folder / "told").mkdir(parents=True, exist_ok=True)
    with _environment_of(cloud_environment(folder)), serve_cloud(folder, port=PORT):
        yield


def spec_of(name: str) -> Spec:
    return specs.environment_spec(name, f"{OPERATOR}/32")


def run_provisioning(*words: str) -> str:
    """Run `python -m provisioning …` as an operator does. Returns its output."""
    done = subprocess.run(
        [sys.executable, "-m", "provisioning", *words],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"provisioning {words[0]}: {done.stderr[-2000:]}")
    return done.stdout


def apply_environment(name: str, folder: Path) -> Cloud:
    """Apply the environment. Returns a client for it."""
    run_provisioning("apply", "--env", specs.write_spec(name, folder), "--yes")
    return connect_cloud(spec_of(name))


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
