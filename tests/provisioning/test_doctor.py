"""The doctor's verdicts where AWS refuses, does not answer, or may not be asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from provisioning.doctor.examination import examine_account
from provisioning.doctor.finding import Finding
from provisioning.doctor.offers import check_offers
from provisioning.doctor.permissions import required_grants
from provisioning.doctor.quotas import check_quotas
from provisioning.doctor.rights import check_rights, simulated_findings

pytestmark = pytest.mark.slow

USER = "arn:aws:iam::123456789012:user/ops/kim"
ROLE = "arn:aws:iam::123456789012:role/deploy/operator"
SESSION = "arn:aws:sts::123456789012:assumed-role/operator/kim"


def by_name(findings: Iterator[Finding]) -> dict[str, Finding]:
    return {one.what: one for one in findings}


def deny_access(*_: object, **__: object) -> Any:
    raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "Whatever")


def stub_fixture(client: Any) -> Any:
    @pytest.fixture
    def stub(hello_rig: Any) -> Iterator[Stubber]:
        assert hello_rig.cloud.account  # asked once per cloud, not by the check under test
        with Stubber(getattr(hello_rig.cloud, client)) as stubber:
            yield stubber
            stubber.assert_no_pending_responses()

    return stub


iam, sts, rds, elasticache = (stub_fixture(name) for name in ("iam", "sts", "rds", "elasticache"))


def test_refused_credentials_are_bad_and_end_the_questions(hello_rig: Any, sts: Stubber) -> None:
    sts.add_client_error("get_caller_identity", "InvalidClientTokenId", "no such token")
    findings = list(examine_account(hello_rig.spec, hello_rig.cloud))
    assert [(one.verdict, one.what) for one in findings] == [("bad", "credentials")]
    assert "Check AWS_PROFILE" in findings[0].told


def test_a_zone_without_the_size_is_bad(hello_rig: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    only = {"InstanceTypeOfferings": [{"Location": "ap-northeast-2c"}]}
    monkeypatch.setattr(hello_rig.cloud.ec2, "describe_instance_type_offerings", lambda **_: only)
    findings = by_name(check_offers(hello_rig.spec, hello_rig.cloud))
    assert findings["zones"].verdict == "ok"
    assert findings["size t2.medium"].verdict == "bad"
    assert "ap-northeast-2a" in findings["size t2.medium"].told


def engine_option(
    version: str, zones: str = "ac", storage: str = "gp3", **more: str
) -> dict[str, Any]:
    option = {
        "Engine": "mysql",
        "EngineVersion": version,
        "StorageType": storage,
        "AvailabilityZones": [{"Name": f"ap-northeast-2{zone}"} for zone in zones],
    }
    return {"OrderableDBInstanceOptions": [option], **more}


NO_OPTION: dict[str, Any] = {"OrderableDBInstanceOptions": []}


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [
        ([engine_option("8.0.35")], "ok"),
        ([engine_option("8.0.44")], "bad"),
        ([engine_option("8.0.44", Marker="2"), engine_option("8.0.35")], "ok"),
        ([engine_option("8.0.35", storage="standard"), engine_option("8.0.35")], "bad"),
        ([engine_option("8.0.35", zones="bd")], "bad"),
        ([engine_option("8.0.35", zones="cd")], "ok"),
        ([NO_OPTION, engine_option("8.4.6")], "bad"),
        ([NO_OPTION, NO_OPTION], "unknown"),
    ],
)
def test_a_database_that_can_not_be_ordered_is_bad(
    hello_rig: Any, rds: Stubber, answers: list[Any], verdict: str
) -> None:
    for answer in answers:
        rds.add_response("describe_orderable_db_instance_options", answer)
    assert by_name(check_offers(hello_rig.spec, hello_rig.cloud))["database"].verdict == verdict


@pytest.mark.parametrize(("zones", "verdict"), [("ac", "ok"), ("cd", "bad")])
def test_a_database_in_two_zones_needs_both_to_offer_it(
    hello_rig: Any, rds: Stubber, zones: str, verdict: str
) -> None:
    database = replace(hello_rig.spec.database, multi_az=True)
    hello_rig.use_spec(replace(hello_rig.spec, database=database))
    rds.add_response(
        "describe_orderable_db_instance_options",
        engine_option("8.0.35", zones),
        {"Engine": "mysql", "DBInstanceClass": "db.t4g.micro", "Vpc": True},
    )
    found = by_name(check_offers(hello_rig.spec, hello_rig.cloud))["database"]
    assert found.verdict == verdict
    if verdict == "bad":
        assert found.told.endswith(
            "ap-northeast-2d; its subnets are in ap-northeast-2a, ap-northeast-2c"
        )


@pytest.mark.parametrize(("version", "verdict"), [("7.1.0", "ok"), ("6.2.6", "bad")])
def test_a_cache_version_aws_has_not_is_bad(
    hello_rig: Any, elasticache: Stubber, version: str, verdict: str
) -> None:
    first = {"CacheEngineVersions": [{"EngineVersion": "5.0.6"}], "Marker": "2"}
    elasticache.add_response("describe_cache_engine_versions", first)
    elasticache.add_response(
        "describe_cache_engine_versions", {"CacheEngineVersions": [{"EngineVersion": version}]}
    )
    assert (
        by_name(check_offers(hello_rig.spec, hello_rig.cloud))["cache coupon-redis"].verdict
        == verdict
    )


def test_room_counts_what_runs_and_what_is_missing(
    hello_rig: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hello_rig.cloud, "quota", lambda *_: 4.0)
    found = by_name(check_quotas(hello_rig.spec, hello_rig.cloud))
    assert (found["room for vCPUs"].verdict, found["room for VPCs"].verdict) == ("bad", "ok")
    assert found["room for vCPUs"].told == "5 more needed, 0 of 4 used"
    hello_rig.build()
    found = by_name(check_quotas(hello_rig.spec, hello_rig.cloud))
    assert found["room for vCPUs"].told == "nothing more is needed"


def test_a_quota_that_may_not_be_read_is_unknown(
    hello_rig: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hello_rig.cloud, "quota", deny_access)
    found = by_name(check_quotas(hello_rig.spec, hello_rig.cloud))
    assert found["room for vCPUs"].verdict == "unknown"
    assert "may not do that" in found["room for vCPUs"].told


def stub_simulations(
    stub: Stubber, rig: Any, says: Callable[[str], dict[str, Any]], who: str
) -> None:
    """Queue IAM's answer to the simulation of every grant."""
    for grant in required_grants(rig.spec, "123456789012"):
        results = [
            {"EvalActionName": action, "EvalDecision": "implicitDeny", **says(action)}
            for action in grant.actions
        ]
        stub.add_response(
            "simulate_principal_policy",
            {"EvaluationResults": results, "IsTruncated": False},
            {
                "PolicySourceArn": who,
                "ActionNames": list(grant.actions),
                "ResourceArns": list(grant.examples),
                "ContextEntries": [
                    {
                        "ContextKeyName": name,
                        "ContextKeyValues": [value],
                        "ContextKeyType": "string",
                    }
                    for name, value in grant.where
                ],
            },
        )


def simulated_decision(action: str) -> dict[str, Any]:
    """Most actions are allowed on everything; some on our names only, by a condition, or never."""
    one = {"EvalResourceName": "arn:aws:elasticache:x", "EvalResourceDecision": "allowed"}
    if action.startswith("elasticache:"):
        return {"ResourceSpecificResults": [one]}
    if action == "rds:CreateDBInstance":
        return {}
    if action == "logs:CreateLogGroup":
        return {"MissingContextValues": ["aws:RequestTag/Project"]}
    return {"EvalDecision": "allowed"}


def test_iam_simulates_the_callers_policies(hello_rig: Any, iam: Stubber, sts: Stubber) -> None:
    who = {"Arn": USER, "Account": "123456789012", "UserId": "AIDAEXAMPLE"}
    sts.add_response("get_caller_identity", who)
    stub_simulations(iam, hello_rig, simulated_decision, USER)
    found = by_name(simulated_findings(hello_rig.spec, hello_rig.cloud))
    assert found["rights rds"] == Finding("bad", "rights rds", "not allowed: rds:CreateDBInstance")
    assert found["rights logs"].verdict == "unknown"
    assert "logs:CreateLogGroup" in found["rights logs"].told
    assert found["rights elasticache"].verdict == "ok"
    rest = set(found) - {"rights rds", "rights logs"}
    assert {found[what].verdict for what in rest} == {"ok"}


def test_a_session_is_judged_as_its_role(hello_rig: Any, iam: Stubber, sts: Stubber) -> None:
    who = {"Arn": SESSION, "Account": "123456789012", "UserId": "AROAEXAMPLE"}
    sts.add_response("get_caller_identity", who)
    role = {
        "Path": "/deploy/", "RoleName": "operator", "RoleId": "AROAEXAMPLEAROAEXAMPLE",
        "Arn": ROLE, "CreateDate": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    iam.add_response("get_role", {"Role": role}, {"RoleName": "operator"})
    stub_simulations(iam, hello_rig, lambda _: {"EvalDecision": "allowed"}, ROLE)
    assert {one.verdict for one in simulated_findings(hello_rig.spec, hello_rig.cloud)} == {"ok"}


@pytest.mark.parametrize(
    ("caller", "verdict"),
    [
        ("arn:aws:iam::123456789012:root", "ok"),
        ("arn:aws:sts::123456789012:federated-user/kim", "unknown"),
    ],
)
def test_a_principal_that_can_not_be_simulated_is_reported(
    hello_rig: Any, sts: Stubber, caller: str, verdict: str
) -> None:
    sts.add_response("get_caller_identity", {"Arn": caller})
    (one,) = simulated_findings(hello_rig.spec, hello_rig.cloud)
    assert (one.verdict, one.what) == (verdict, "rights of these credentials")


def test_not_being_allowed_to_simulate_is_unknown(
    hello_rig: Any, iam: Stubber, sts: Stubber
) -> None:
    sts.add_response("get_caller_identity", {"Arn": USER})
    for _ in required_grants(hello_rig.spec, "123456789012"):
        iam.add_client_error("simulate_principal_policy", "AccessDenied")
    assert {one.verdict for one in simulated_findings(hello_rig.spec, hello_rig.cloud)} == {
        "unknown"
    }


def test_a_denied_dry_run_is_bad(hello_rig: Any) -> None:
    with Stubber(hello_rig.cloud.ec2) as ec2:
        ec2.add_client_error("create_vpc", "UnauthorizedOperation")
        first = next(check_rights(hello_rig.spec, hello_rig.cloud))
    assert (first.verdict, first.told) == ("bad", "these credentials may not CreateVpc")
