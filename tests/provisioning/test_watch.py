"""Alarms, their recipients, the dashboard, the budget and flow logs; and those that are not
ours."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from provisioning.client_errors import translated_errors
from provisioning.errors import AwsRefused, Incomplete
from provisioning.model import Action, Key
from provisioning.resources.topic import Topic

pytestmark = pytest.mark.slow

ALARM = "coupon-production-service-queue-age"
TOPIC = Key("topic", "coupon-production-alarms")
METRIC = {
    "Namespace": "Theirs", "MetricName": "theirs", "Statistic": "Sum", "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanThreshold", "Period": 60, "EvaluationPeriods": 1,
}  # fmt: skip
FLOW = Key("flow-log", "coupon-production-flow")


def set_readers(rig: Any, *readers: str) -> None:
    rig.use_spec(replace(rig.spec, watch=replace(rig.spec.watch, emails=readers)))


def readers_of(rig: Any, topic: str) -> set[str]:
    answer = rig.cloud.sns.list_subscriptions_by_topic(TopicArn=topic)
    return {one["Endpoint"] for one in answer["Subscriptions"]}


def test_alarms_notify_the_readers_of_a_topic(production_rig: Any) -> None:
    set_readers(production_rig, "ops@shop.example", "night@shop.example")
    production_rig.build()
    found = production_rig.find_all()
    topic = found[TOPIC].id
    assert readers_of(production_rig, topic) == {"ops@shop.example", "night@shop.example"}
    alarms = [one for key, one in found.items() if key.kind == "alarm"]
    assert len(alarms) > 30
    assert {one.props["tell"] for one in alarms} == {(topic,)}
    assert production_rig.apply_plan() == 0
    set_readers(production_rig, "ops@shop.example", "day@shop.example")
    assert [str(step.key) for step in production_rig.compute_plan().changes] == [str(TOPIC)]
    production_rig.apply_plan()
    assert readers_of(production_rig, topic) == {"ops@shop.example", "day@shop.example"}
    production_rig.destroy_all()
    assert production_rig.cloud.sns.list_topics()["Topics"] == []


def test_a_reader_with_a_pending_confirmation_is_not_subscribed_again() -> None:
    confirmed, asked = frozenset({"a@b.example"}), frozenset({"c@d.example"})
    same = Topic().is_same
    assert same("readers", (confirmed, asked), confirmed | asked)
    assert same("readers", (confirmed, asked), confirmed), "a mistaken question lapses by itself"
    assert not same("readers", (confirmed, asked), asked), "who agreed must be taken off"
    assert not same("readers", (confirmed, asked), confirmed | asked | {"e@f.example"})


def test_a_strangers_alarm_and_dashboard_of_our_name_are_not_overwritten(
    production_rig: Any,
) -> None:
    cloudwatch = production_rig.cloud.cloudwatch
    cloudwatch.put_metric_alarm(AlarmName=ALARM, **METRIC)
    cloudwatch.put_dashboard(DashboardName="coupon-production", DashboardBody='{"widgets": []}')
    with pytest.raises(Incomplete, match="used by a resource without our tags"):
        production_rig.apply_plan()
    theirs = cloudwatch.describe_alarms(AlarmNames=[ALARM])["MetricAlarms"][0]
    assert theirs["Namespace"] == "Theirs"
    body = cloudwatch.get_dashboard(DashboardName="coupon-production")["DashboardBody"]
    assert body == '{"widgets": []}'
    left = {step.key for step in production_rig.compute_plan().changes}
    assert left == {Key("alarm", ALARM), Key("dashboard", "coupon-production")}


def test_an_alarm_beside_ours_is_neither_drift_nor_destroyed(production_rig: Any) -> None:
    """The console's "copy" copies the description, but not the tags."""
    production_rig.build()
    cloudwatch = production_rig.cloud.cloudwatch
    ours = cloudwatch.describe_alarms(AlarmNames=[ALARM])["MetricAlarms"][0]
    cloudwatch.put_metric_alarm(
        AlarmName=f"{ALARM}-copy", AlarmDescription=ours["AlarmDescription"], **METRIC
    )
    assert production_rig.compute_plan().changes == ()
    production_rig.destroy_all()
    left = [one["AlarmName"] for one in cloudwatch.describe_alarms()["MetricAlarms"]]
    assert left == [f"{ALARM}-copy"]


def test_strangers_topics_and_budgets_are_refused_by_aws_itself(production_rig: Any) -> None:
    cloud = production_rig.cloud
    cloud.sns.create_topic(Name=TOPIC.name)
    with (
        pytest.raises(AwsRefused, match="used by a resource without our tags"),
        translated_errors("making"),
    ):
        cloud.sns.create_topic(Name=TOPIC.name, Tags=cloud.scope.tags(TOPIC.name))
    budget: Any = {
        "BudgetName": "coupon-production-monthly", "BudgetType": "COST", "TimeUnit": "MONTHLY",
        "BudgetLimit": {"Amount": "5", "Unit": "USD"},
    }  # fmt: skip
    cloud.budgets.create_budget(AccountId=cloud.account, Budget=budget)
    assert Key("budget", budget["BudgetName"]) not in production_rig.find_all()
    with (
        pytest.raises(AwsRefused, match="used by a resource without our tags"),
        translated_errors("making"),
    ):
        cloud.budgets.create_budget(AccountId=cloud.account, Budget=budget)


def test_what_was_changed_by_hand_is_mended(production_rig: Any, state_of: Any) -> None:
    production_rig.build()
    before = state_of(production_rig.find_all())
    found, cloud = production_rig.find_all(), production_rig.cloud
    cloud.cloudwatch.put_dashboard(
        DashboardName="coupon-production", DashboardBody='{"widgets": [{"properties": {}}]}'
    )
    cloud.cloudwatch.put_metric_alarm(AlarmName=ALARM, **METRIC)
    cloud.ec2.delete_flow_logs(FlowLogIds=[found[FLOW].id])
    limit = {"BudgetLimit": {"Amount": "99999", "Unit": "USD"}, "TimeUnit": "MONTHLY"}
    cloud.budgets.update_budget(
        AccountId=cloud.account,
        NewBudget={"BudgetName": "coupon-production-monthly", "BudgetType": "COST", **limit},
    )
    cloud.iam.update_assume_role_policy(
        RoleName="coupon-production-api",
        PolicyDocument='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":'
        '{"AWS":"arn:aws:iam::999999999999:root"},"Action":"sts:AssumeRole"}]}',
    )
    assert {step.key: step.action for step in production_rig.compute_plan().changes} == {
        Key("dashboard", "coupon-production"): Action.CHANGE,
        Key("alarm", ALARM): Action.CHANGE,
        FLOW: Action.CREATE,
        Key("budget", "coupon-production-monthly"): Action.CHANGE,
        Key("role", "coupon-production-api"): Action.CHANGE,
    }
    production_rig.apply_plan()
    assert state_of(production_rig.find_all()) == before


def test_flow_logs_tell_of_refused_connections_only(production_rig: Any) -> None:
    production_rig.build()
    log = production_rig.cloud.ec2.describe_flow_logs()["FlowLogs"][0]
    assert log["TrafficType"] == "REJECT"
    assert log["LogGroupName"] == "/coupon/production/flow"
    assert log["DeliverLogsStatus"] == "SUCCESS"


def test_the_databases_own_logs_end_and_go_with_it(production_rig: Any) -> None:
    """RDS writes into existing log groups; those that it creates have no tags and no retention."""
    production_rig.build()
    groups = {
        key.name: one.props["days"]
        for key, one in production_rig.find_all().items()
        if key.name.startswith("/aws/rds/")
    }
    assert groups == {
        "/aws/rds/instance/coupon-production-db/error": 30,
        "/aws/rds/instance/coupon-production-db/slowquery": 30,
    }
    production_rig.cloud.rds.modify_db_instance(
        DBInstanceIdentifier="coupon-production-db",
        CloudwatchLogsExportConfiguration={"DisableLogTypes": ["slowquery"]},
    )
    assert [str(step.key) for step in production_rig.compute_plan().changes] == [
        "database coupon-production-db"
    ]
    production_rig.apply_plan()
    production_rig.destroy_all()
    assert production_rig.cloud.logs.describe_log_groups()["logGroups"] == []
