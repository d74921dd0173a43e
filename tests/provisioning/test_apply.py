"""The main test of provisioning: apply, apply again, drift, destroy."""

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
from provisioning.waiting import wait_until

pytestmark = pytest.mark.slow

ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
ANYTHING = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'


@pytest.fixture(params=["hello", "production"])
def each_rig(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(f"{request.param}_rig")


def test_a_second_apply_changes_nothing_and_writes_nothing(each_rig: Any) -> None:
    assert each_rig.apply_plan() > 20
    assert each_rig.compute_plan().changes == ()
    assert each_rig.apply_plan() == 0


def test_destroy_leaves_nothing_behind(each_rig: Any) -> None:
    each_rig.build()
    each_rig.destroy_all()
    assert each_rig.find_all() == {}
    assert find_leftovers(each_rig.cloud) == ()
    assert each_rig.destroy_all() == 0


def test_drift_made_by_hand_is_found_and_mended(hello_rig: Any, state_of: Any) -> None:
    hello_rig.build()
    before = state_of(hello_rig.find_all())
    ids = {key: one.id for key, one in hello_rig.find_all().items()}
    ec2 = hello_rig.cloud.ec2
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
    ec2.modify_instance_metadata_options(
        InstanceId=ids[Key("host", "coupon-consumer")],
        HttpTokens="required", HttpPutResponseHopLimit=2,
    )  # fmt: skip
    ec2.stop_instances(InstanceIds=[ids[Key("host", "coupon-consumer")]])
    drifted = {
        str(step.key): [d.what for d in step.differences]
        for step in hello_rig.compute_plan().changes
    }
    assert drifted == {
        "vpc hello-vpc": ["dns_hostnames"],
        "rules hello-default": ["ingress"],
        "route-table public-subnet-rt": ["routes"],
        "host coupon-api": ["imdsv2"],
        "host coupon-consumer": drifted["host coupon-consumer"],
    }
    assert {"imdsv2", "running"} <= set(drifted["host coupon-consumer"])
    hello_rig.apply_plan()
    assert state_of(hello_rig.find_all()) == before


def test_stores_and_balancer_drift_is_mended(production_rig: Any, state_of: Any) -> None:
    production_rig.build()
    before = state_of(production_rig.find_all())
    found = production_rig.find_all()
    production_rig.cloud.elasticache.modify_cache_parameter_group(
        CacheParameterGroupName="production-coupon-store-valkey8",
        ParameterNameValues=[
            {"ParameterName": "maxmemory-policy", "ParameterValue": "volatile-lru"}
        ],
    )
    production_rig.cloud.rds.modify_db_instance(
        DBInstanceIdentifier="coupon-production-db",
        DeletionProtection=False,
        BackupRetentionPeriod=1,
    )
    while not Database().is_ready(production_rig.cloud, "coupon-production-db"):
        pass  # AWS is at work on it for some answers
    target = found[Key("target-group", "coupon-lb-api")]
    gone = sorted(target.props["targets"])[0]
    production_rig.cloud.elb.deregister_targets(TargetGroupArn=target.id, Targets=[{"Id": gone}])
    production_rig.cloud.cloudwatch.delete_alarms(
        AlarmNames=["coupon-production-service-queue-age"]
    )
    production_rig.cloud.iam.put_role_policy(
        RoleName="coupon-production-api",
        PolicyName="own-things",
        PolicyDocument=ANYTHING,
    )
    production_rig.cloud.iam.attach_role_policy(
        RoleName="coupon-production-monitor", PolicyArn=ADMIN
    )
    changed = {str(step.key): step.action for step in production_rig.compute_plan().changes}
    assert changed == {
        "cache-parameters production-coupon-store-valkey8": Action.CHANGE,
        "database coupon-production-db": Action.CHANGE,
        "target-group coupon-lb-api": Action.CHANGE,
        "alarm coupon-production-service-queue-age": Action.CREATE,
        "role coupon-production-api": Action.CHANGE,
        "role coupon-production-monitor": Action.CHANGE,
    }
    production_rig.apply_plan()
    assert state_of(production_rig.find_all()) == before


def test_a_host_ended_by_hand_comes_back(hello_rig: Any) -> None:
    hello_rig.build()
    lost = hello_rig.find_all()[Key("host", "coupon-api")].id
    hello_rig.cloud.ec2.terminate_instances(InstanceIds=[lost])
    assert [str(s.key) for s in hello_rig.compute_plan().changes] == ["host coupon-api"]
    hello_rig.apply_plan()
    assert hello_rig.find_all()[Key("host", "coupon-api")].id != lost


def test_fewer_hosts_removes_the_last_and_more_adds(production_rig: Any) -> None:
    production_rig.build()
    spec = production_rig.spec
    api = next(hosts for hosts in spec.hosts if hosts.role == "api")
    for count, action in ((1, Action.DELETE), (3, Action.CREATE)):
        grown = tuple(replace(h, count=count) if h is api else h for h in spec.hosts)
        production_rig.use_spec(replace(spec, hosts=grown))
        steps = {
            s.key.name: s.action
            for s in production_rig.compute_plan().changes
            if s.key.kind == "host"
        }
        assert action in steps.values()
        production_rig.apply_plan()
        assert production_rig.compute_plan().changes == ()


def test_what_isnt_tagged_as_ours_is_never_touched(hello_rig: Any) -> None:
    theirs = hello_rig.cloud.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    hello_rig.cloud.ec2.create_tags(
        Resources=[theirs], Tags=[{"Key": "Name", "Value": "hello-vpc"}]
    )
    hello_rig.cloud.logs.create_log_group(logGroupName="/coupon/hello/api")
    hello_rig.cloud.ssm.put_parameter(Name="/coupon/hello/secrets/mine", Value="x", Type="String")
    hello_rig.apply_plan()
    hello_rig.destroy_all()
    assert hello_rig.cloud.ec2.describe_vpcs(VpcIds=[theirs])["Vpcs"]
    assert hello_rig.cloud.logs.describe_log_groups()["logGroups"]
    assert hello_rig.cloud.ssm.get_parameter(Name="/coupon/hello/secrets/mine")


def test_two_resources_of_one_name_are_an_error(hello_rig: Any) -> None:
    hello_rig.build()
    hello_rig.cloud.ec2.create_internet_gateway(
        TagSpecifications=hello_rig.cloud.scope.tagging("internet-gateway", "hello-ig")
    )
    with pytest.raises(Ambiguous, match="Two resources are both internet-gateway hello-ig"):
        hello_rig.compute_plan()


def test_a_role_given_rights_by_hand_can_still_be_removed(production_rig: Any) -> None:
    """AWS removes no role that still holds a policy."""
    production_rig.build()
    iam = production_rig.cloud.iam
    iam.attach_role_policy(RoleName="coupon-production-api", PolicyArn=ADMIN)
    iam.put_role_policy(
        RoleName="coupon-production-api", PolicyName="by-hand",
        PolicyDocument=ANYTHING,
    )  # fmt: skip
    production_rig.destroy_all()
    assert production_rig.find_all() == {}


def test_a_name_taken_by_a_stranger_is_reported_and_the_rest_is_created(hello_rig: Any) -> None:
    hello_rig.cloud.rds.create_db_parameter_group(
        DBParameterGroupName="x", DBParameterGroupFamily="mysql8.0", Description="x"
    )
    hello_rig.cloud.rds.create_db_instance(
        DBInstanceIdentifier="coupon-db", Engine="mysql", DBInstanceClass="db.t4g.micro",
        MasterUsername="someone", MasterUserPassword="not-a-secret-1", AllocatedStorage=20,
    )  # fmt: skip
    with pytest.raises(Incomplete, match="used by a resource without our tags"):
        hello_rig.apply_plan()
    assert Key("host", "coupon-api") in hello_rig.find_all()


def test_another_environment_sees_nothing_of_ours(hello_rig: Any, stranger_cloud: Any) -> None:
    hello_rig.build()
    hello_rig.cloud = stranger_cloud
    assert hello_rig.find_all() == {}


def test_a_moved_subnet_takes_its_hosts_with_it(hello_rig: Any) -> None:
    hello_rig.build()
    network = hello_rig.spec.network
    moved = tuple(
        replace(s, cidr="10.0.9.0/24") if s.tier == "public" else s for s in network.subnets
    )
    hello_rig.use_spec(replace(hello_rig.spec, network=replace(network, subnets=moved)))
    replaced = {s.key.name for s in hello_rig.compute_plan().changes if s.action is Action.REPLACE}
    assert replaced == {"hello-public-subnet", "coupon-api", "coupon-consumer", "redis-test"}
    hello_rig.apply_plan()
    assert hello_rig.compute_plan().changes == ()


def test_two_environments_live_in_one_account(
    hello_rig: Any, production_rig: Any, state_of: Any
) -> None:
    hello_rig.build()
    production_rig.apply_plan()
    before = state_of(production_rig.find_all())
    assert hello_rig.compute_plan().changes == ()
    hello_rig.destroy_all()
    assert production_rig.compute_plan().changes == ()
    assert state_of(production_rig.find_all()) == before


def test_an_interrupt_ends_a_wait_for_aws_at_once(
    hello_rig: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C during the twenty minutes of a database's creation returns at once."""
    hello_rig.build()
    monkeypatch.setattr(hello_rig.cloud, "waiting", Waiting(poll_seconds=600, minutes=60))
    broke_off = threading.Timer(0.3, hello_rig.cloud.stopping.set)
    broke_off.start()
    begun = time.monotonic()
    with pytest.raises(Incomplete, match="was left to AWS"):
        wait_until(hello_rig.cloud, "making the database", lambda: False)
    assert time.monotonic() - begun < 300  # not the ten minutes until the next look
    hello_rig.cloud.stopping.clear()


def test_a_half_made_store_is_waited_for_and_then_judged(
    production_rig: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    production_rig.build()
    rds = production_rig.cloud.rds
    rds.modify_db_instance(DBInstanceIdentifier="coupon-production-db", BackupRetentionPeriod=2)
    real = Database.find_all
    half = iter([True])

    def find_half_made(self: Database, cloud: Any) -> Any:
        making = next(half, False)
        return [replace(one, ready=not making) for one in real(self, cloud)]

    monkeypatch.setattr(Database, "find_all", find_half_made)
    production_rig.apply_plan()
    assert production_rig.cloud.writes == ["ModifyDBInstance"]
    assert production_rig.compute_plan().changes == ()
