"""A monthly budget for the environment's tag, with mails at 80 % spent and 100 % forecast."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from provisioning.aws import Cloud
from provisioning.client_errors import ignoring
from provisioning.model import Found, Want
from provisioning.resources.kind import Kind
from provisioning.tags import as_dict

BUDGET_MAILS_AT = 0.8  # of the sum, when it is spent


class Budget(Kind):
    kind = "budget"

    def find_all(self, cloud: Cloud) -> Iterable[Found]:
        name = f"{cloud.scope.prefix}-monthly"
        with ignoring("NotFoundException"):
            tags = cloud.budgets.list_tags_for_resource(ResourceARN=_arn(cloud, name))
            if cloud.scope.owns_tags(as_dict(tags["ResourceTags"])):
                budget = cloud.budgets.describe_budget(AccountId=cloud.account, BudgetName=name)
                usd = float(budget["Budget"]["BudgetLimit"]["Amount"])
                yield self.found(name=name, id=name, props={"monthly_usd": usd})

    def create_one(self, cloud: Cloud, want: Want) -> str:
        cloud.budgets.create_budget(
            AccountId=cloud.account,
            Budget=_budget(cloud, want),
            NotificationsWithSubscribers=_notifications(want.hidden["email"]),
            ResourceTags=cloud.scope.tags(want.name),
        )
        return want.name

    def change_one(self, cloud: Cloud, found: Found, want: Want, changed: frozenset[str]) -> None:
        cloud.budgets.update_budget(AccountId=cloud.account, NewBudget=_budget(cloud, want))

    def delete_one(self, cloud: Cloud, found: Found) -> None:
        with ignoring("NotFoundException"):
            cloud.budgets.delete_budget(AccountId=cloud.account, BudgetName=found.id)


def _arn(cloud: Cloud, name: str) -> str:
    return f"arn:aws:budgets::{cloud.account}:budget/{name}"


def _scope_filter(cloud: Cloud) -> str:
    """Works only after `Environment` is activated as a cost allocation tag."""
    return f"user:Environment${cloud.scope.environment}"


def _budget(cloud: Cloud, want: Want) -> Any:
    return {
        "BudgetName": want.name,
        "BudgetType": "COST",
        "TimeUnit": "MONTHLY",
        "BudgetLimit": {"Amount": str(want.props["monthly_usd"]), "Unit": "USD"},
        "CostFilters": {"TagKeyValue": [_scope_filter(cloud)]},
    }


def _notifications(email: str) -> Any:
    if not email:
        return []
    reader = [{"SubscriptionType": "EMAIL", "Address": email}]
    return [
        {"Notification": _threshold("ACTUAL", round(100 * BUDGET_MAILS_AT)), "Subscribers": reader},
        {"Notification": _threshold("FORECASTED", 100), "Subscribers": reader},
    ]


def _threshold(kind: str, percent: int) -> dict[str, Any]:
    return {
        "NotificationType": kind,
        "ComparisonOperator": "GREATER_THAN",
        "Threshold": percent,
        "ThresholdType": "PERCENTAGE",
    }
