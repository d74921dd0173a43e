"""Ansible's own templating in this process: reads a vault file, renders a template."""

import os
from collections.abc import Callable
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

ANSIBLE = Path(__file__).parents[2] / "ansible"
PASSWORD = b"the vault's own"
os.environ.setdefault("ANSIBLE_CONFIG", str(ANSIBLE / "ansible.cfg"))  # read by the first import

from ansible.parsing.dataloader import DataLoader  # noqa: E402
from ansible.parsing.vault import VaultLib, VaultSecret  # noqa: E402
from ansible.plugins.loader import init_plugin_loader  # noqa: E402
from ansible.template import Templar, trust_as_template  # noqa: E402


@cache
def _make_loader() -> Any:
    init_plugin_loader()
    loader = DataLoader()
    loader.set_basedir(str(ANSIBLE))
    loader.set_vault_secrets([("default", VaultSecret(PASSWORD))])
    return loader


def encrypt_vault(text: str, file: Path) -> None:
    """Write the text into the file, encrypted as `ansible-vault encrypt` would."""
    lib = VaultLib(_make_loader()._vault.secrets)
    file.write_bytes(lib.encrypt(text.encode()))


@cache
def our_filters() -> dict[str, Callable[..., Any]]:
    """The filters of our own plugin, by name."""
    file = ANSIBLE / "plugins" / "filter" / "coupon_text.py"
    spec = spec_from_file_location("coupon_text", file)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return dict(module.FilterModule().filters())


@cache
def role_defaults() -> dict[str, Any]:
    """Defaults and variables of all roles, as a play has them."""
    found: dict[str, Any] = {}
    roles = ANSIBLE / "roles"
    for file in sorted([*roles.glob("*/defaults/**/*.yml"), *roles.glob("*/vars/*.yml")]):
        found |= _make_loader().load_from_file(str(file), trusted_as_template=True) or {}
    return found


def load_yaml(file: Path) -> dict[str, Any]:
    return dict(_make_loader().load_from_file(str(file), cache="none", trusted_as_template=True))


def render_template(text: str, variables: dict[str, Any]) -> Any:
    templar = Templar(loader=_make_loader(), variables=role_defaults() | variables)
    return templar.template(trust_as_template(text))
