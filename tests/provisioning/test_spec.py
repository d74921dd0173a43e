"""A wrong spec is refused before any call, with every problem and its line in one report."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from provisioning.errors import SpecRejected
from provisioning.spec.lines import line_numbers, line_of
from provisioning.spec.load import ENVIRONMENTS, load_spec, parse_spec
from provisioning.spec.model import Spec
from provisioning.spec.problems import Problems
from tests.provisioning.wrong_specs import ARN, BALANCER, REJECTED, changed_spec

OPERATOR = ("198.51.100.7/32",)


def test_it_takes_hello_as_it_is_and_production_with_a_certificate() -> None:
    assert isinstance(load_spec(environment="hello", operator=OPERATOR), Spec)
    spec = load_spec(environment="production", operator=OPERATOR, certificate=ARN)
    assert spec.balancer is not None
    assert spec.balancer.certificate_arn == ARN


def test_13_5_a_public_balancer_without_a_certificate_is_refused_with_what_to_do() -> None:
    with pytest.raises(SpecRejected) as rejected:
        load_spec(environment="production", operator=OPERATOR)
    said = str(rejected.value)
    assert "1 problem in the spec, nothing was asked of AWS" in said
    for part in ("balancer.certificate_arn: is empty", "unencrypted", "--certificate ARN",
                 "plain_http = 'for trying out'"):  # fmt: skip
        assert part in said


@pytest.mark.parametrize("said", ["yes", "true", "For trying out", " for trying out", "trying out"])
def test_13_5_plain_http_is_asked_for_in_these_words_only(said: str) -> None:
    given = changed_spec("production", BALANCER, f'{BALANCER}\nplain_http = "{said}"')
    with pytest.raises(SpecRejected, match="either left out or 'for trying out'"):
        parse_spec(given, file="production.toml", operator=OPERATOR)


def test_13_5_whoever_says_for_trying_out_gets_plain_http_and_a_note() -> None:
    given = changed_spec("production", BALANCER, f'{BALANCER}\nplain_http = "for trying out"')
    spec = parse_spec(given, file="production.toml", operator=OPERATOR)
    assert spec.balancer is not None
    assert (spec.balancer.certificate_arn, spec.balancer.plain_http) == ("", "for trying out")


@pytest.mark.parametrize("case", REJECTED.values(), ids=REJECTED.keys())
def test_it_rejects(case: tuple[str, str, str, str]) -> None:
    name, old, new, message = case
    with pytest.raises(SpecRejected) as rejected:
        parse_spec(changed_spec(name, old, new), file=f"{name}.toml", operator=OPERATOR)
    assert message in str(rejected.value)


def lines_of_problems(source: str) -> set[int]:
    """Lines on which a problem is added."""
    return {
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and ast.unparse(node.func) == "problems.add"
    }


def test_every_rejection_the_rules_know_is_one_of_these(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[tuple[str, int]] = set()
    real = Problems.add

    def record_and_add(self: Problems, path: str, message: str) -> None:
        caller = sys._getframe(1)
        seen.add((Path(caller.f_code.co_filename).name, caller.f_lineno))
        real(self, path, message)

    monkeypatch.setattr(Problems, "add", record_and_add)
    for name, old, new, _ in REJECTED.values():
        with pytest.raises(SpecRejected):
            parse_spec(changed_spec(name, old, new), file=name, operator=OPERATOR)
    for operator, _ in OPERATORS:
        with pytest.raises(SpecRejected):
            load_spec(environment="hello", operator=operator)
    files = (ENVIRONMENTS.parent / "spec").glob("rules_*.py")
    known = {
        (f.name, line) for f in files for line in lines_of_problems(f.read_text(encoding="utf-8"))
    }
    assert len(known) > 50
    assert known <= seen, "rejections without a test"


def test_a_value_in_place_of_a_table_is_reported() -> None:
    wrong = 'firewall = "default"\n' + changed_spec("hello", '[firewall]\nstyle = "default"', "")
    with pytest.raises(SpecRejected, match=r"hello.toml:1: firewall: must be a table"):
        parse_spec(wrong, file="hello.toml", operator=OPERATOR)


OPERATORS: list[tuple[tuple[str, ...], str]] = [
    ((), "give your address"),
    (("0.0.0.0/0",), "too wide"),
    (("198.51.0.0/16",), "too wide"),
    (("me",), "no IPv4 network"),
    (("::1/128",), "no IPv4 network"),
]


@pytest.mark.parametrize(("operator", "message"), OPERATORS)
def test_the_operators_address_is_given_and_narrow(operator: tuple[str, ...], message: str) -> None:
    with pytest.raises(SpecRejected, match=message):
        load_spec(environment="hello", operator=operator)


def test_all_problems_come_in_one_report_with_their_lines() -> None:
    wrong = changed_spec("hello", "port = 6380", "port = 80")
    wrong = wrong.replace('cidr = "10.0.1.0/24"', 'cidr = "10.0.0.0/24"').replace(
        '"t2.micro"', '"t9.micro"'
    )
    with pytest.raises(SpecRejected) as rejected:
        parse_spec(wrong, file="hello.toml")
    report = str(rejected.value).splitlines()
    assert report[0].startswith("4 problems in the spec, nothing was asked of AWS")
    said = [tuple(line.split(": ", 2)[:2]) for line in report[1:]]
    assert said == [
        (f"hello.toml:{_line(wrong, '[environment]')}", "environment.operator"),
        (f"hello.toml:{_line(wrong, 'hello-private-subnet') + 1}", "network.subnets[1].cidr"),
        (f"hello.toml:{_line(wrong, 't9.micro')}", "hosts[2].type"),
        (f"hello.toml:{_line(wrong, 'port = 80')}", "caches[0].port"),
    ]


def _line(text: str, part: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), start=1) if part in line)


def test_lines_are_found_through_lists_over_several_lines() -> None:
    lines = line_numbers('[a]\nb = [\n  "x = 1",\n  "]",\n]\nc = 2\n[[d]]\ne = 1\n[[d]]\ne = 2\n')
    assert lines == {"a": 1, "a.b": 2, "a.c": 6, "d[0]": 7, "d[0].e": 8, "d[1]": 9, "d[1].e": 10}
    assert line_of(lines, "d[1].missing") == 9
    assert line_of(lines, "nowhere.at.all") == 1


def test_an_unknown_environment_names_those_there_are() -> None:
    with pytest.raises(SpecRejected, match="hello, production"):
        load_spec(environment="nope", operator=OPERATOR)


def test_an_environment_can_be_a_file_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(changed_spec("hello", 'name = "hello"', 'name = "mine"'))
    assert load_spec(environment=str(file), operator=OPERATOR).environment.name == "mine"
