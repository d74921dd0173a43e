"""`lookup('coupon_secret', NAME)`: a secret's value, wherever this deployment keeps its secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from ansible.errors import AnsibleError
from ansible.plugins.loader import lookup_loader

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
"""

LONG = "chars=ascii_letters,digits length=64"


class LookupModule(LookupBase):
    # By task, as Ansible runs each in a process of its own. A client of AWS costs as much as a
    # hundred of its questions, and a host's settings hold eight secrets.
    _client: ClassVar[Any] = None
    _parameters: ClassVar[dict[str, str]] = {}

    def run(self, terms: list[str], variables: Any = None, **options: Any) -> list[str]:
        self.set_options(var_options=variables, direct=options)
        kept = self._templar.template(variables["coupon_secrets_from"])
        ways = {"ssm": self._ssm, "vault": self._vault, "file": self._file}
        if kept not in ways:
            raise AnsibleError(f"coupon_secrets_from is {kept!r}, not one of {', '.join(ways)}.")
        if self.get_option("parameter") == "":
            return ["" for _ in terms]
        return [ways[kept](name, variables) for name in terms]

    def _ssm(self, name: str, variables: Any) -> str:
        parameter = self.get_option("parameter")
        if parameter is None:
            known = self._templar.template(variables.get("coupon_secrets", {}))
            if name not in known:
                raise AnsibleError(f"The inventory's coupon_secrets names no {name}.")
            parameter = known[name]
        if parameter not in self._parameters:
            region = self._templar.template(variables["aws_region"])
            said = self._ask("amazon.aws.ssm_parameter", parameter, variables, region=region)
            self._parameters[parameter] = str(said)
        return self._parameters[parameter]

    def _vault(self, name: str, variables: Any) -> str:
        if f"vault_{name}" not in variables:
            raise AnsibleError(f"vault_{name} is not set: give it with -e @FILE --ask-vault-pass.")
        return str(self._templar.template(variables[f"vault_{name}"]))

    def _file(self, name: str, variables: Any) -> str:
        folder = Path(self._templar.template(variables["coupon_secrets_folder"])).expanduser()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return str(self._ask("ansible.builtin.password", f"{folder / name} {LONG}", variables))

    def _ask(self, plugin: str, term: str, variables: Any, **options: Any) -> Any:
        asked = lookup_loader.get(plugin, loader=self._loader, templar=self._templar)
        if asked is None:
            raise AnsibleError(f"The lookup {plugin} isn't installed on this machine.")
        if plugin == "amazon.aws.ssm_parameter":
            make = asked.client
            asked.client = lambda *words, **more: self._kept(make, *words, **more)
        return asked.run([term], variables, **options)[0]

    @classmethod
    def _kept(cls, make: Any, *words: Any, **options: Any) -> Any:
        if cls._client is None:
            cls._client = make(*words, **options)
        return cls._client
