"""The test that matters: apply, apply again, drift, destroy."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import pytest

from provisioning.errors import Ambiguous, Incomplete
from provisioning.leftovers import find_leftovers
from provisioning.model import Action, Key
from provisioning.resources.database import Database
from provisioning.spec.model import Waiting

pytestmark = pytest.mark.slow

ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
ANYTHING = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'


@pytest.fixture(params=["hello", "production"])
def rig(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def test_a_second_apply_changes_nothing_and_writes_nothing(rig: Any) -> None:
    assert rig.apply() > 20
    assert rig.plan().changes == ()
    assert rig.apply() == 0


def test_destroy_leaves_nothing_behind(rig: Any) -> None:
    rig.apply()
    rig.destroy()
    assert rig.find_all() == {}
    assert find_leftovers(rig.cloud) == ()
    assert rig.destroy() == 0


def test_drift_made_by_hand_is_found_and_mended(hello: Any, state_of: Any) -> None:
    hello.apply()
    before = state_of(hello.find_all())
    ids = {key: one.id for key, one in hello.find_all().items()}
    ec2 = hello.cloud.ec2
    group, table = ids[Key("rules", "hello-default")], ids[Key("route-table", "public-subnet-rt")]
    ec2.authorize_security_group_ingress(
        GroupId=group, IpProtocol="tcp", FromPort=3306, ToPort=3306, CidrIp="0.0.0.0/0"
    )
    ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    ec2.modify_vpc_attribute(
        VpcId=ids[Key("vpc", "hello-vpc")], EnableDnsHostnames={"Value": False}
    )
    ec2.modify_instance_metadata_options(
        InstanceId=ids[Key("host", "coupon-api")], HttpTokens="optional"
    )
    ec2.stop_instances(InstanceIds=[ids[Key("host", "coupon-consumer")]])
    drifted = {str(step.key): [d.what for d in step.differences] for step in hello.plan().changes}
    assert drifted == {
        "vpc hello-vpc": ["dns_hostnames"],
        "rules hello-default": ["ingress"],
        "route-table public-subnet-rt": ["routes"],
        "host coupon-api": ["imdsv2"],
        "host coupon-consumer": drifted["host coupon-consumer"],
    }
    assert "running" in drifted["host coupon-consumer"]
    hello.apply()
    assert state_of(hello.find_all()) == before


def test_stores_and_balancer_drift_is_mended(production: Any, state_of: Any) -> None:
    production.apply()
    before = state_of(production.find_all())
    found = production.find_all()
    production.cloud.elasticache.modify_cache_parameter_group(
        CacheParameterGroupName="production-coupon-store-valkey8",
        ParameterNameValues=[
            {"ParameterName": "maxmemory-policy", "ParameterValue": "volatile-lru"}
        ],
    )
    production.cloud.rds.modify_db_instance(
        DBInstanceIdentifier="coupon-production-db",
        DeletionProtection=False,
        BackupRetentionPeriod=1,
    )
    target = found[Key("target-group", "coupon-lb-api")]
    gone = sorted(target.props["targets"])[0]
    production.cloud.elb.deregister_targets(TargetGroupArn=target.id, Targets=[{"Id": gone}])
    production.cloud.cloudwatch.delete_alarms(AlarmNames=["coupon-production-service-queue-age"])
    production.cloud.iam.put_role_policy(
        RoleName="coupon-production-api",
        PolicyName="own-things",
        PolicyDocument=ANYTHING,
    )
    production.cloud.iam.attach_role_policy(RoleName="coupon-production-monitor", PolicyArn=ADMIN)
    changed = {str(step.key): step.action for step in production.plan().changes}
    assert changed == {
        "cache-parameters production-coupon-store-valkey8": Action.CHANGE,
        "database coupon-production-db": Action.CHANGE,
        "target-group coupon-lb-api": Action.CHANGE,
        "alarm coupon-production-service-queue-age": Action.CREATE,
        "role coupon-production-api": Action.CHANGE,
        "role coupon-production-monitor": Action.CHANGE,
    }
    production.apply()
    assert state_of(production.find_all()) == before


def test_a_host_ended_by_hand_comes_back(hello: Any) -> None:
    hello.apply()
    lost = hello.find_all()[Key("host", "coupon-api")].id
    hello.cloud.ec2.terminate_instances(InstanceIds=[lost])
    assert [str(s.key) for s in hello.plan().changes] == ["host coupon-api"]
    hello.apply()
    assert hello.find_all()[Key("host", "coupon-api")].id != lost


def test_fewer_hosts_removes_the_last_and_more_adds(production: Any) -> None:
    production.apply()
    spec = production.spec
    api = next(hosts for hosts in spec.hosts if hosts.role == "api")
    for count, action in ((1, Action.DELETE), (3, Action.CREATE)):
        grown = tuple(replace(h, count=count) if h is api else h for h in spec.hosts)
        production.use(replace(spec, hosts=grown))
        steps = {s.key.name: s.action for s in production.plan().changes if s.key.kind == "host"}
        assert action in steps.values()
        production.apply()
        assert production.plan().changes == ()


def test_what_isnt_tagged_as_ours_is_never_touched(hello: Any) -> None:
    theirs = hello.cloud.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    hello.cloud.ec2.create_tags(Resources=[theirs], Tags=[{"Key": "Name", "Value": "hello-vpc"}])
    hello.cloud.logs.create_log_group(logGroupName="/coupon/hello/api")
    hello.cloud.ssm.put_parameter(Name="/coupon/hello/secrets/mine", Value="x", Type="String")
    hello.apply()
    hello.destroy()
    assert hello.cloud.ec2.describe_vpcs(VpcIds=[theirs])["Vpcs"]
    assert hello.cloud.logs.describe_log_groups()["logGroups"]
    assert hello.cloud.ssm.get_parameter(Name="/coupon/hello/secrets/mine")


def test_two_resources_of_one_name_are_an_error(hello: Any) -> None:
    hello.apply()
    hello.cloud.ec2.create_internet_gateway(
        TagSpecifications=hello.cloud.scope.tagging("internet-gateway", "hello-ig")
    )
    with pytest.raises(Ambiguous, match="Two resources are both internet-gateway hello-ig"):
        hello.plan()


def test_a_role_given_rights_by_hand_can_still_be_removed(production: Any) -> None:
    """AWS removes no role that still holds a policy."""
    production.apply()
    iam = production.cloud.iam
    iam.attach_role_policy(RoleName="coupon-production-api", PolicyArn=ADMIN)
    iam.put_role_policy(
        RoleName="coupon-production-api", PolicyName="by-hand",
        PolicyDocument=ANYTHING,
    )  # fmt: skip
    production.destroy()
    assert production.find_all() == {}


def test_a_name_taken_by_a_stranger_is_told_and_the_rest_is_done(hello: Any) -> None:
    hello.cloud.rds.create_db_parameter_group(
        DBParameterGroupName="x", DBParameterGroupFamily="mysql8.0", Description="x"
    )
    hello.cloud.rds.create_db_instance(
        DBInstanceIdentifier="coupon-db", Engine="mysql", DBInstanceClass="db.t4g.micro",
        MasterUsername="someone", MasterUserPassword="not-a-secret-1", AllocatedStorage=20,
    )  # fmt: skip
    with pytest.raises(Incomplete, match="used by a resource without our tags"):
        hello.apply()
    assert Key("host", "coupon-api") in hello.find_all()


def test_another_environment_sees_nothing_of_ours(hello: Any, stranger: Any) -> None:
    hello.apply()
    hello.cloud = stranger
    assert hello.find_all() == {}


def test_a_moved_subnet_takes_its_hosts_with_it(hello: Any) -> None:
    hello.apply()
    network = hello.spec.network
    moved = tuple(
        replace(s, cidr="10.0.9.0/24") if s.tier == "public" else s for s in network.subnets
    )
    hello.use(replace(hello.spec, network=replace(network, subnets=moved)))
    replaced = {s.key.name for s in hello.plan().changes if s.action is Action.REPLACE}
    assert replaced == {"hello-public-subnet", "coupon-api", "coupon-consumer", "redis-test"}
    hello.apply()
    assert hello.plan().changes == ()


def test_two_environments_live_in_one_account(hello: Any, production: Any, state_of: Any) -> None:
    hello.apply()
    production.apply()
    before = state_of(production.find_all())
    assert hello.plan().changes == ()
    hello.destroy()
    assert production.plan().changes == ()
    assert state_of(production.find_all()) == before


def test_breaking_off_waits_for_nobody(hello: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the middle of a database's twenty minutes comes back at once."""
    hello.apply()
    monkeypatch.setattr(hello.cloud, "waiting", Waiting(poll_seconds=60, minutes=60))
    broke_off = threading.Timer(0.3, hello.cloud.stopping.set)
    broke_off.start()
    begun = time.monotonic()
    with pytest.raises(Incomplete, match="was left to AWS"):
        hello.cloud.wait_until("making the database", lambda: False)
    assert time.monotonic() - begun < 30
    hello.cloud.stopping.clear()


def test_a_half_made_store_is_waited_for_and_then_judged(
    production: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    production.apply()
    rds = production.cloud.rds
    rds.modify_db_instance(DBInstanceIdentifier="coupon-production-db", BackupRetentionPeriod=2)
    real = Database.find_all
    half = iter([True])

    def find(self: Database, cloud: Any) -> Any:
        making = next(half, False)
        return [replace(one, ready=not making) for one in real(self, cloud)]

    monkeypatch.setattr(Database, "find_all", find)
    production.apply()
    assert production.cloud.writes == ["ModifyDBInstance"]
    assert production.plan().changes == ()
