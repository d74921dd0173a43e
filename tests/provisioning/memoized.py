"""Results that moto's server computes for each request or reset, and that never change in a
process, computed once: half of its processor time, measured with the tests of this folder."""

from __future__ import annotations

import copy
import functools
from typing import Any

from moto import backends
from moto.core import responses, serialize, utils
from moto.iam.models import IAMBackend

_PARTITION = "aws"  # moto also makes a backend for each of the others, which no test asks


def install_caches() -> None:
    names = tuple(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: names
    methods = functools.cache(utils.method_names_from_class)
    for module in (utils, responses):  # which imports it by name
        vars(module)["method_names_from_class"] = methods
    _copy_policies()
    _remember_names()


def _remember_names() -> None:
    """The names by which a member of an answer is looked for in moto's objects: a third of the
    processor time of an answer."""
    find = serialize.XFormedAttributePicker.get_possible_keys
    found: dict[tuple[Any, ...], tuple[str, ...]] = {}

    def remember_names(self: Any, context: Any) -> tuple[str, ...]:
        shape = context.shape
        of_what = (
            type(self), *self.alias_providers, type(context.obj), context.key, shape.name,
            shape.type_name, shape.serialization.get("name"),
            getattr(getattr(shape, "parent", None), "name", None),
            context.service_model.service_name,
        )  # fmt: skip
        if of_what not in found:
            found[of_what] = tuple(find(self, context))
        return found[of_what]

    serialize.XFormedAttributePicker.get_possible_keys = remember_names  # type: ignore[assignment,method-assign]


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
