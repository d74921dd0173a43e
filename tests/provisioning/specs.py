"""Environments for tests: production without a certificate, which its spec declares."""

from __future__ import annotations

from pathlib import Path

from provisioning.spec.load import ENVIRONMENTS, parse_spec
from provisioning.spec.model import Spec

NO_CERTIFICATE = 'certificate_arn = ""'
PLAIN_HTTP = 'plain_http = "for trying out"'


def spec_text(environment: str) -> str:
    """The TOML of an environment; production's has plain_http set."""
    found = (ENVIRONMENTS / f"{environment}.toml").read_text(encoding="utf-8")
    return found.replace(NO_CERTIFICATE, f"{NO_CERTIFICATE}\n{PLAIN_HTTP}")


def token_text(environment: str) -> str:
    """The same with a token in place of users, as environments were made before."""
    return spec_text(environment).replace("\nsnapshot_days", '\naccess = "token"\nsnapshot_days')


def environment_spec(environment: str, *operator: str) -> Spec:
    return parse_spec(spec_text(environment), file=f"{environment}.toml", operator=operator)


def write_spec(environment: str, folder: Path) -> str:
    """Write the TOML into the folder; the path of the file, for `--env`."""
    file = folder / f"{environment}.toml"
    file.write_text(spec_text(environment), encoding="utf-8")
    return str(file)
