"""Results that moto's server computes for each request or reset, and that never change in a
process, computed once: half of its processor time, measured with the tests of this folder."""

from __future__ import annotations

import copy
import functools
from typing import Any

from moto import backends
from moto.core import responses, utils
from moto.iam.models import IAMBackend

_PARTITION = "aws"  # moto also makes a backend for each of the others, which no test asks


def install_caches() -> None:
    names = tuple(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: names
    methods = functools.cache(utils.method_names_from_class)
    for module in (utils, responses):  # which imports it by name
        vars(module)["method_names_from_class"] = methods
    _copy_policies()


def _copy_policies() -> None:
    """AWS' own policies, 1,500 of them, are parsed from JSON once; a backend gets copies, since it
    counts in them what they are attached to."""
    parse = IAMBackend._init_aws_policies
    parsed: dict[str, list[Any]] = {}

    def copy_policies(self: Any) -> list[Any]:
        if self.region_name != _PARTITION:
            return []
        if self.account_id not in parsed:
            parsed[self.account_id] = parse(self)
        return [copy.copy(policy) for policy in parsed[self.account_id]]

    IAMBackend._init_aws_policies = copy_policies  # type: ignore[method-assign]
