#!/usr/bin/python
"""A new value of a secret, where secrets are kept, beside the former; or the end of that one."""

from __future__ import annotations

import os
import re
import secrets
import string
import tempfile
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = """
module: coupon_generation
short_description: exchanges a secret where it is kept
description:
  - Runs on the operator's machine. A place holds the values newest first, with a space between
    them (plugins/lookup/coupon_secret.py). It is written in one call or one rename, so a killed run
    leaves the former or the new values.
options:
  kept:
    {description: where secrets are kept, type: str, required: true, choices: [ssm, file, vault]}
  place: {description: the parameter of SSM or the file, type: str, required: true}
  region: {description: SSM's, type: str, default: ""}
  step:
    description: >-
      C(begin) adds a value, unless one is being exchanged and C(keeps_all) is not set; C(finish)
      leaves the newest alone;
      C(revoke) leaves a new one alone; C(renew) adds a value in any case, and the others are there
      until C(finish), as one of them is needed to log in where they are ended
    type: str
    required: true
    choices: [begin, finish, revoke, renew]
  keeps_all: {description: what was made with a value needs it for ever, type: bool, default: false}
"""
RETURN = """
values: {description: how many values are accepted from now on, type: int}
"""
LETTERS = string.ascii_letters + string.digits
DRAWN = re.compile(r"[A-Za-z0-9]{32,}")
LENGTH = 64
OPTIONS = {
    "kept": {"type": "str", "required": True, "choices": ["ssm", "file", "vault"]},
    "place": {"type": "str", "required": True, "no_log": False},
    "region": {"type": "str", "default": ""},
    "step": {"type": "str", "required": True, "choices": ["begin", "finish", "revoke", "renew"]},
    "keeps_all": {"type": "bool", "default": False},
}


def main() -> None:
    module = AnsibleModule(OPTIONS, supports_check_mode=True)
    given = module.params
    if given["kept"] == "vault":
        module.fail_json(
            msg="Secrets are in a vault, which only you can write: see ansible/README.md, Rotation."
        )
    place = _Parameter(given) if given["kept"] == "ssm" else _File(given)
    before = place.read().split(" ")
    if not all(DRAWN.fullmatch(value) for value in before):
        module.fail_json(
            msg="Its value isn't of letters and digits only (32 at least): exchange it by hand."
        )
    if given["keeps_all"] and given["step"] != "begin":
        module.fail_json(msg="What was made with it needs it for ever: it can't be ended.")
    after = exchanged_values(before, step=given["step"], keeps_all=given["keeps_all"])
    if after != before and not module.check_mode:
        place.write(" ".join(after))
    module.exit_json(changed=after != before, values=len(after))


def exchanged_values(before: list[str], *, step: str, keeps_all: bool) -> list[str]:
    """Newest first. A run that was killed is completed by the next: it finds what was begun."""
    new = "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
    if step == "finish":
        return before[:1]
    if step == "revoke":
        return [new]
    if step == "renew":
        return [new, *before]
    return [new, *before] if keeps_all or len(before) == 1 else before


class _Parameter:
    def __init__(self, given: dict[str, Any]) -> None:
        import boto3  # noqa: PLC0415 - needed for SSM only

        self._ssm, self._name = boto3.client("ssm", region_name=given["region"]), given["place"]

    def read(self) -> str:
        answer = self._ssm.get_parameter(Name=self._name, WithDecryption=True)
        return str(answer["Parameter"]["Value"])

    def write(self, value: str) -> None:
        self._ssm.put_parameter(Name=self._name, Value=value, Type="SecureString", Overwrite=True)


class _File:
    def __init__(self, given: dict[str, Any]) -> None:
        self._file = Path(given["place"]).expanduser()

    def read(self) -> str:
        return self._file.read_text(encoding="utf-8").removesuffix("\n")

    def write(self, value: str) -> None:
        handle, new = tempfile.mkstemp(dir=self._file.parent)  # 0600
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(value + "\n")
        Path(new).replace(self._file)


if __name__ == "__main__":
    main()
