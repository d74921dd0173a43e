"""Issue 16, 7: parameters of stores that equal the engine's default."""

from __future__ import annotations

from typing import Any

import pytest

from provisioning.model import Key

pytestmark = pytest.mark.slow

MYSQL = Key("db-parameters", "coupon-production-mysql84")
CACHE = Key("cache-parameters", "production-coupon-store-valkey8")


def test_the_test_cloud_reports_defaults_as_aws_does(production_rig: Any) -> None:
    """One that was set to its default isn't among those of the user."""
    production_rig.build()
    rds = production_rig.cloud.rds
    pages = rds.get_paginator("describe_db_parameters").paginate(DBParameterGroupName=MYSQL.name)
    parameters = [one for page in pages for one in page["Parameters"]]
    assert len(parameters) > 200
    sources = {one["ParameterName"]: one["Source"] for one in parameters}
    assert sources["sync_binlog"] == "system"
    assert sources["character_set_server"] == "engine-default"
    assert sources["long_query_time"] == "user"
    user = rds.describe_db_parameters(DBParameterGroupName=MYSQL.name, Source="user")["Parameters"]
    assert "sync_binlog" not in {one["ParameterName"] for one in user}


def test_a_plan_after_apply_is_empty_although_aws_calls_some_values_defaults(
    production_rig: Any,
) -> None:
    production_rig.build()
    found = production_rig.find_all()
    wanted = {
        want.key: want.props["values"] for want in production_rig.wants if "values" in want.props
    }
    for key in (MYSQL, CACHE):
        assert wanted[key].items() <= found[key].props["values"].items()
    assert production_rig.compute_plan().changes == ()


def test_a_cache_parameter_that_is_set_to_its_default_is_as_wanted(production_rig: Any) -> None:
    production_rig.build()
    elasticache = production_rig.cloud.elasticache
    elasticache.modify_cache_parameter_group(
        CacheParameterGroupName=CACHE.name,
        ParameterNameValues=[{"ParameterName": "timeout", "ParameterValue": "0"}],
    )
    user = elasticache.describe_cache_parameters(CacheParameterGroupName=CACHE.name, Source="user")
    assert [one["ParameterName"] for one in user["Parameters"]] == ["maxmemory-policy"]
    assert production_rig.find_all()[CACHE].props["values"]["timeout"] == "0"


def test_the_slow_query_log_is_written_to_the_file_that_rds_exports(production_rig: Any) -> None:
    """To MySQL's table, which RDS' default is, nothing would reach the log group."""
    production_rig.build()
    found = production_rig.find_all()
    assert found[MYSQL].props["values"]["slow_query_log"] == "1"
    assert found[MYSQL].props["values"]["log_output"] == "FILE"
    exported = found[Key("database", "coupon-production-db")].props["logs"]
    assert "slowquery" in exported
