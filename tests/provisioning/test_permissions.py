"""The list of IAM actions is exactly what the code calls, as found in the code."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import botocore.session
from botocore import xform_name

import provisioning
from provisioning.doctor.permissions import permission_table

ROOT = Path(provisioning.__file__).parent
# The cloud's attribute or boto3's service name -> (boto3's service name, prefix of its actions).
SERVICES = {
    "ec2": ("ec2", "ec2"), "rds": ("rds", "rds"), "elasticache": ("elasticache", "elasticache"),
    "elb": ("elbv2", "elasticloadbalancing"), "ssm": ("ssm", "ssm"), "iam": ("iam", "iam"),
    "logs": ("logs", "logs"), "cloudwatch": ("cloudwatch", "cloudwatch"), "sns": ("sns", "sns"),
    "budgets": ("budgets", "budgets"), "acm": ("acm", "acm"),
    "service-quotas": ("service-quotas", "servicequotas"),
    "pricing": ("pricing", "pricing"), "cloudfront": ("cloudfront", "cloudfront"),
    "resourcegroupstaggingapi": ("resourcegroupstaggingapi", "tag"),
}  # fmt: skip
# Actions that AWS requires besides the call: tags in the same call, last snapshots, passed roles.
IMPLIED = {
    "rds:AddTagsToResource", "rds:CreateDBSnapshot", "elasticache:AddTagsToResource",
    "elasticache:CreateSnapshot", "elasticloadbalancing:AddTags", "ssm:AddTagsToResource",
    "iam:TagRole", "iam:TagInstanceProfile", "iam:PassRole", "iam:CreateServiceLinkedRole",
    "ssm:GetParametersByPath",  # by Ansible
    "logs:TagResource", "cloudwatch:TagResource", "sns:TagResource", "budgets:TagResource",
    "cloudfront:TagResource",
}  # fmt: skip
BUDGETS = {
    "budgets:CreateBudget": "budgets:ModifyBudget",
    "budgets:UpdateBudget": "budgets:ModifyBudget",
    "budgets:DeleteBudget": "budgets:ModifyBudget",
    "budgets:DescribeBudget": "budgets:ViewBudget",
    "cloudfront:CreateDistributionWithTags": "cloudfront:CreateDistribution",
}


def operations_by_method() -> dict[str, dict[str, str]]:
    """service -> method of its client -> the operation's name."""
    session = botocore.session.get_session()
    names: dict[str, dict[str, str]] = defaultdict(dict)
    for service, _ in SERVICES.values():
        for operation in session.get_service_model(service).operation_names:
            names[service][xform_name(operation)] = operation
    return names


def service_of(node: ast.expr) -> str:
    """`cloud.rds`, `self._client("acm")`, or a name like `ec2` that stands for the client."""
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        return str(node.args[0].value)
    return ""


def called_actions() -> Iterator[str]:
    known = operations_by_method()
    for file in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            for service, method in client_methods(node):
                if method in known[SERVICES[service][0]]:
                    yield f"{SERVICES[service][1]}:{known[SERVICES[service][0]][method]}"


def client_methods(node: ast.AST) -> Iterator[tuple[str, str]]:
    """(service, method) of a client's method, also of a paginator's."""
    if isinstance(node, ast.Attribute) and service_of(node.value) in SERVICES:
        yield service_of(node.value), node.attr
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "get_paginator"
        and isinstance(node.args[0], ast.Constant)
        and service_of(node.func.value) in SERVICES
    ):
        yield service_of(node.func.value), str(node.args[0].value)


def test_the_list_is_what_the_code_calls() -> None:
    listed = {
        f"{row['prefix']}:{name}" for row in permission_table().values() for name in row["actions"]
    }
    asked = {BUDGETS.get(action, action) for action in called_actions()} | IMPLIED
    assert listed - asked == set(), "rights nobody uses"
    assert asked - listed == set(), "calls nobody may make"


def test_each_list_is_sorted_and_names_nothing_twice() -> None:
    for service, row in permission_table().items():
        assert row["actions"] == sorted(set(row["actions"])), service
