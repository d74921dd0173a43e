"""Loads and validates a spec, by an environment's name or a file."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from provisioning.errors import SpecRejected
from provisioning.spec.lines import line_numbers
from provisioning.spec.model import Spec
from provisioning.spec.problems import Problems
from provisioning.spec.rules import judge_spec
from provisioning.spec.typed import WRONG, build_typed

Rule = Callable[[Spec, Problems], None]
ENVIRONMENTS = Path(__file__).parent.parent / "environments"


def load_spec(
    *, environment: str, operator: tuple[str, ...] = (), certificate: str = "",
    rules: tuple[Rule, ...] = (),
) -> Spec:  # fmt: skip
    """The spec of `environments/NAME.toml`, or of a path ending in .toml. `rules` are of modules
    above this one, and judge a spec without other problems. Raises SpecRejected."""
    path = spec_file(environment)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise SpecRejected(f"{path.name} is not TOML: its text is not UTF-8.") from None
    except OSError:
        known = ", ".join(sorted(p.stem for p in ENVIRONMENTS.glob("*.toml")))
        raise SpecRejected(
            f"There is no environment {environment!r}.", todo=f"Known: {known}."
        ) from None
    return parse_spec(text, file=path.name, operator=operator, certificate=certificate, rules=rules)


def spec_file(environment: str) -> Path:
    if environment.endswith(".toml"):
        return Path(environment)
    return ENVIRONMENTS / f"{environment}.toml"


def parse_spec(
    text: str, *, file: str, operator: tuple[str, ...] = (), certificate: str = "",
    rules: tuple[Rule, ...] = (),
) -> Spec:  # fmt: skip
    """A spec from TOML text. Raises SpecRejected with every problem and its line."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as broken:
        raise SpecRejected(f"{file} is not TOML: {broken}") from None
    problems = Problems(file=file, lines=line_numbers(text))
    spec = build_typed(Spec, raw, "", problems)
    if spec is WRONG:
        problems.stop_if_any()
    if operator:
        spec = replace(spec, environment=replace(spec.environment, operator=operator))
    if certificate and spec.balancer:
        spec = replace(spec, balancer=replace(spec.balancer, certificate_arn=certificate))
    judge_spec(spec, problems)
    problems.stop_if_any()
    for rule in rules:
        rule(spec, problems)
    problems.stop_if_any()
    validated: Spec = spec
    return validated
