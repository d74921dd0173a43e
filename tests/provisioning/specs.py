"""Environments as tests use them: production has no certificate here, and says so itself."""

from __future__ import annotations

from pathlib import Path

from provisioning.spec.load import ENVIRONMENTS, parse_spec
from provisioning.spec.model import Spec

NO_CERTIFICATE = 'certificate_arn = ""'
PLAIN_HTTP = 'plain_http = "for trying out"'


def spec_text(environment: str) -> str:
    """The TOML of an environment; production's with plain_http."""
    found = (ENVIRONMENTS / f"{environment}.toml").read_text(encoding="utf-8")
    return found.replace(NO_CERTIFICATE, f"{NO_CERTIFICATE}\n{PLAIN_HTTP}")


def environment_spec(environment: str, *operator: str) -> Spec:
    return parse_spec(spec_text(environment), file=f"{environment}.toml", operator=operator)


def write_spec(environment: str, folder: Path) -> str:
    """The same as a file in the folder, for `--env`."""
    file = folder / f"{environment}.toml"
    file.write_text(spec_text(environment), encoding="utf-8")
    return str(file)
