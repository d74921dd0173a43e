"""`lookup('coupon_secret', NAME)`: a secret's value, from this deployment's store of secrets."""

from __future__ import annotations

import os
import re
import secrets
import string
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from ansible.errors import AnsibleError
from ansible.plugins.loader import filter_loader, lookup_loader

from ansible.plugins.lookup import LookupBase

DOCUMENTATION = """
name: coupon_secret
short_description: a secret from SSM, from Ansible Vault, or from a file on the operator's machine
description:
  - C(coupon_secrets_from) says where secrets are kept (roles/coupon/defaults/main/secrets.yml).
  - Values are asked for when a task needs them and are kept as long as that task; C(file) draws a
    missing one.
options:
  _terms:
    description: names of secrets, as the keys of C(coupon_secrets)
    required: true
  parameter:
    description: >-
      the SSM parameter, where it isn't in C(coupon_secrets); empty if there is no such secret at
      all, and then so is the answer
    type: str
  only_judge:
    description: >-
      insist that each can be kept where it is needed, and answer nothing; one that is not there
      (yet) is passed over, as perhaps no role needs it
    type: bool
    default: false
  generations:
    description: >-
      all values of one secret, newest first, while C(operate.yml -e verb=rotate) exchanges it;
      otherwise the answer is the newest alone
    type: bool
    default: false
notes:
  - A value in a vault is taken as it stands; only one that is C({{ … }}) as a whole is a template.
  - No message of this plugin shows a value, or a part of one.
"""

# Several values in one place, newest first: only values that we drew can be told apart by a space.
GENERATIONS = re.compile(r"[A-Za-z0-9]{32,}(?: [A-Za-z0-9]{32,})+")
LETTERS = string.ascii_letters + string.digits
LENGTH = 64
TEMPLATE = re.compile(r"\s*\{\{.*\}\}\s*", re.DOTALL)


class LookupModule(LookupBase):
    # By path of SSM, for the duration of a task: Ansible runs each in a process of its own.
    _parameters: ClassVar[dict[str, dict[str, str]]] = {}

    def run(self, terms: list[str], variables: Any = None, **options: Any) -> list[str]:
        self.set_options(var_options=variables, direct=options)
        kept = self._templar.template(variables["coupon_secrets_from"])
        ways = {"ssm": self._ssm, "vault": self._vault, "file": self._file}
        if kept not in ways:
            raise AnsibleError(f"coupon_secrets_from is {kept!r}, not one of {', '.join(ways)}.")
        none_at_all, only_judge = self.get_option("parameter") == "", self.get_option("only_judge")
        if none_at_all:
            return [] if only_judge else ["" for _ in terms]
        if only_judge:
            terms = [name for name in terms if self._is_there(kept, name, variables)]
        values = [self._judged(kept, name, ways[kept](name, variables)) for name in terms]
        if only_judge:
            return []
        if self.get_option("generations"):
            return [one for value in values for one in _generations(value)]
        return [_generations(value)[0] for value in values]

    def _is_there(self, kept: str, name: str, variables: Any) -> bool:
        """Whether the secret exists; for SSM this is only known by reading it."""
        if kept == "vault":
            return f"vault_{name}" in variables
        return kept != "file" or self._kept_in(name, variables).exists()

    def _judged(self, kept: str, name: str, value: str) -> str:
        """The value, checked before it is written. Messages name the secret, not its value."""
        if why := filter_loader.get("coupon_unfit").j2_function(value):
            raise AnsibleError(
                f"The secret {name} (from: {kept}) can't be kept in a file of settings: it {why}. "
                "Replace it where it is kept."
            )
        return value

    def _ssm(self, name: str, variables: Any) -> str:
        parameter = self.get_option("parameter")
        if parameter is None:
            known = self._templar.template(variables.get("coupon_secrets", {}))
            if name not in known:
                raise AnsibleError(f"The inventory's coupon_secrets names no {name}.")
            parameter = known[name]
        path = parameter.rpartition("/")[0]
        if path not in self._parameters:
            self._parameters[path] = self._ssm_parameters(path, variables)
        if parameter not in self._parameters[path]:
            raise AnsibleError(f"SSM has no parameter {parameter}.")
        return self._parameters[path][parameter]

    def _ssm_parameters(self, path: str, variables: Any) -> dict[str, str]:
        """All of the path at once: a host's settings hold eight of them."""
        plugin = "amazon.aws.ssm_parameter"
        lookup = lookup_loader.get(plugin, loader=self._loader, templar=self._templar)
        if lookup is None:
            raise AnsibleError(f"The lookup {plugin} isn't installed on this machine.")
        region = self._templar.template(variables["aws_region"])
        found: dict[str, str] = lookup.run([path], variables, region=region, bypath=True)[0]
        return found

    def _vault(self, name: str, variables: Any) -> str:
        """The value unchanged: a generated value may look like a template without being one."""
        if f"vault_{name}" not in variables:
            raise AnsibleError(f"vault_{name} is not set: give it with -e @FILE --ask-vault-pass.")
        value = variables[f"vault_{name}"]
        if not isinstance(value, str) or TEMPLATE.fullmatch(value):
            value = self._filled_in(name, value)
        if not isinstance(value, str):
            raise AnsibleError(f"vault_{name} is no text for YAML: put its value in quotes.")
        return "".join(value)  # without the tag that would have it read as a template again

    def _filled_in(self, name: str, value: Any) -> Any:
        try:
            return self._templar.template(value)
        except AnsibleError:  # its message shows the template, which may be a password
            raise AnsibleError(f"vault_{name} can't be decrypted or filled in.") from None

    def _file(self, name: str, variables: Any) -> str:
        file = self._kept_in(name, variables)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not file.exists():
            _draw(file)
        try:
            return file.read_text(encoding="utf-8").removesuffix("\n")
        except UnicodeDecodeError:
            raise AnsibleError(f"{file} is not UTF-8: replace it.") from None

    def _kept_in(self, name: str, variables: Any) -> Path:
        folder = self._templar.template(variables["coupon_secrets_folder"])
        return Path(folder).expanduser() / name


def _generations(value: str) -> list[str]:
    return value.split(" ") if GENERATIONS.fullmatch(value) else [value]


def _draw(file: Path) -> None:
    """All of it or nothing, and once: of two that draw, the second finds what the first made."""
    handle, new = tempfile.mkstemp(dir=file.parent)  # 0600
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write("".join(secrets.choice(LETTERS) for _ in range(LENGTH)) + "\n")
    with suppress(FileExistsError):
        file.hardlink_to(new)
    Path(new).unlink()
