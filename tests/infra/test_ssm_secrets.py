"""Secrets from SSM, by path, on the test cloud (issue 14, part 10)."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from tests.infra import templating
from tests.provisioning.conftest import cloud_url

__all__ = ["cloud_url"]  # a fixture
pytestmark = pytest.mark.slow
FOLDER = "/coupon/test/secrets"
NAMES = [f"name-{number}" for number in range(23)]  # SSM answers with ten at a time
REGION = "ap-northeast-2"


@pytest.fixture(scope="module")
def ssm_endpoint(cloud_url: str) -> str:
    """The URL of a cloud with secrets in it, one of them in a folder further down."""
    client = boto3.client(
        "ssm",
        endpoint_url=cloud_url,
        region_name=REGION,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    for name in [*NAMES, "below/name-0"]:
        client.put_parameter(
            Name=f"{FOLDER}/{name}", Value=f"sesame of {name}, it is", Type="SecureString"
        )
    return cloud_url


def run_ansible(
    url: str, folder: Path, *names: str, **given: Any
) -> subprocess.CompletedProcess[str]:
    """A play of one task, which writes these secrets into a file, a line each."""
    content = "\n".join(f"{{{{ lookup('coupon_secret', '{name}') }}}}" for name in names)
    copy = {"copy": {"content": content, "dest": str(folder / "secrets"), "mode": "0600"}}
    play = {
        "hosts": "localhost", "connection": "local", "gather_facts": False, "become": False,
        "tasks": [copy | {"no_log": True}],
    }  # fmt: skip
    given = {
        "coupon_secrets_from": "ssm", "aws_region": REGION,
        "ansible_python_interpreter": sys.executable,
        "coupon_secrets": {name.replace("-", "_"): f"{FOLDER}/{name}" for name in NAMES},
    } | given  # fmt: skip
    (folder / "play.yml").write_text(yaml.safe_dump([play]))
    return subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", str(folder / "play.yml"),
         "-e", json.dumps(given)],
        cwd=templating.ANSIBLE, capture_output=True, text=True, check=False,
        env=os.environ | {
            "AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing", "ANSIBLE_HOME": str(folder),
            "ANSIBLE_STRATEGY": "linear",
            "ANSIBLE_CONFIG": str(templating.ANSIBLE / "ansible.cfg"),
        },
    )  # fmt: skip


def test_14_10_every_secret_of_the_path_is_found(ssm_endpoint: str, tmp_path: Path) -> None:
    """Also beyond the first page of SSM's answer."""
    done = run_ansible(ssm_endpoint, tmp_path, *[name.replace("-", "_") for name in NAMES])
    assert done.returncode == 0, done.stdout + done.stderr
    expected = [f"sesame of {name}, it is" for name in NAMES]
    assert (tmp_path / "secrets").read_text().splitlines() == expected
    assert "sesame" not in done.stdout + done.stderr


@pytest.mark.parametrize("missing", [f"{FOLDER}/none", "/coupon/none/secrets/name-0", "none"])
def test_14_10_a_missing_parameter_is_named_and_nothing_is_written(
    ssm_endpoint: str, tmp_path: Path, missing: str
) -> None:
    done = run_ansible(ssm_endpoint, tmp_path, "it", coupon_secrets={"it": missing})
    assert done.returncode != 0
    assert missing.rpartition("/")[0] in done.stdout + done.stderr
    assert not (tmp_path / "secrets").exists()
