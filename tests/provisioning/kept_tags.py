"""Tags of dashboards, budgets and topics, which moto drops; and UpdateBudget, which it lacks."""

from __future__ import annotations

import json
from typing import Any

from moto.budgets.models import Budget, BudgetsBackend
from moto.budgets.responses import BudgetsResponse
from moto.cloudwatch.models import CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse
from moto.sns.exceptions import InvalidParameterValue
from moto.sns.models import SNSBackend


def install_tags() -> None:
    _dashboards()
    _topics()
    create = BudgetsResponse.create_budget

    def create_budget(self: Any) -> str:
        done = create(self)
        tags = self._get_param("ResourceTags", [])
        _budget_of(self).kept_tags = tags  # type: ignore[attr-defined]
        return done

    BudgetsResponse.create_budget = create_budget  # type: ignore[method-assign]
    BudgetsResponse.update_budget = _update_budget  # type: ignore[attr-defined]
    BudgetsResponse.list_tags_for_resource = _budget_tags  # type: ignore[attr-defined]


def _budget_of(response: Any) -> Budget:
    backend: BudgetsBackend = response.backend
    asked = response._get_param("Budget") or response._get_param("NewBudget")
    return backend.budgets[response._get_param("AccountId")][asked["BudgetName"]]


def _update_budget(self: Any) -> str:
    kept = _budget_of(self)
    kept.budget = {**kept.budget, **self._get_param("NewBudget")}
    return json.dumps({})


def _budget_tags(self: Any) -> str:
    arn = self._get_param("ResourceARN")
    self.backend.describe_budget(account_id=arn.split(":")[4], budget_name=arn.rpartition("/")[2])
    kept = self.backend.budgets[arn.split(":")[4]][arn.rpartition("/")[2]]
    return json.dumps({"ResourceTags": getattr(kept, "kept_tags", [])})


def _dashboards() -> None:
    """AWS stores the tags of a new dashboard, and ignores tags for an existing one."""
    put, delete = CloudWatchResponse.put_dashboard, CloudWatchBackend.delete_dashboards

    def put_dashboard(self: Any) -> Any:
        name = self._get_param("DashboardName")
        fresh = name not in self.cloudwatch_backend.dashboards
        done = put(self)
        if fresh and (tags := self._get_param("Tags", [])):
            arn = self.cloudwatch_backend.dashboards[name].arn
            self.cloudwatch_backend.tagger.tag_resource(arn, tags)
        return done

    def delete_dashboards(self: Any, dashboards: list[str]) -> Any:
        for name in dashboards:
            if name in self.dashboards:
                self.tagger.delete_all_tags_for_resource(self.dashboards[name].arn)
        return delete(self, dashboards)

    CloudWatchResponse.put_dashboard = put_dashboard  # type: ignore[method-assign]
    CloudWatchBackend.delete_dashboards = delete_dashboards  # type: ignore[method-assign]


def _topics() -> None:
    """AWS refuses to create an existing topic with other tags; moto returns it."""
    create = SNSBackend.create_topic

    def create_topic(self: Any, name: str, attributes: Any = None, tags: Any = None) -> Any:
        for topic in self.topics.values():
            if topic.name == name and (topic._tags or {}) != (tags or {}):
                raise InvalidParameterValue("Topic already exists with different tags")
        return create(self, name, attributes, tags)

    SNSBackend.create_topic = create_topic  # type: ignore[method-assign]
