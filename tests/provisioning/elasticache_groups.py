"""Subnet groups and parameter groups of the test cloud's ElastiCache."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, EmptyResult

from tests.provisioning.elasticache_records import (
    asked_of,
    demand_new,
    demand_unused,
    pop_record,
    store_of,
    tagged_arn,
)
from tests.provisioning.engine_defaults import CACHE, page_of_parameters


class GroupAnswers:
    """The operations, as functions of moto's response object (whose methods they become)."""

    def create_cache_subnet_group(self: Any) -> ActionResult:
        asked, store = asked_of(self), store_of(self)
        name = asked["CacheSubnetGroupName"]
        demand_new(store.subnets, name, "CacheSubnetGroupAlreadyExists")
        store.subnets[name] = {
            "CacheSubnetGroupName": name,
            "Subnets": [{"SubnetIdentifier": id} for id in asked["SubnetIds"]],
            "ARN": tagged_arn(self, store, "subnetgroup", name, asked),
        }
        return ActionResult({"CacheSubnetGroup": store.subnets[name]})

    def describe_cache_subnet_groups(self: Any) -> ActionResult:
        return ActionResult({"CacheSubnetGroups": list(store_of(self).subnets.values())})

    def modify_cache_subnet_group(self: Any) -> ActionResult:
        asked = asked_of(self)
        record = store_of(self).subnets[asked["CacheSubnetGroupName"]]
        record["Subnets"] = [{"SubnetIdentifier": id} for id in asked["SubnetIds"]]
        return ActionResult({"CacheSubnetGroup": record})

    def delete_cache_subnet_group(self: Any) -> EmptyResult:
        name, store = asked_of(self)["CacheSubnetGroupName"], store_of(self)
        demand_unused(store, "CacheSubnetGroupName", name, "CacheSubnetGroupInUse")
        pop_record(store.subnets, name, "CacheSubnetGroupNotFoundFault")
        return EmptyResult()

    def create_cache_parameter_group(self: Any) -> ActionResult:
        asked, store = asked_of(self), store_of(self)
        name = asked["CacheParameterGroupName"]
        demand_new(store.parameters, name, "CacheParameterGroupAlreadyExists")
        store.parameters[name] = {
            "CacheParameterGroupName": name,
            "CacheParameterGroupFamily": asked["CacheParameterGroupFamily"],
            "ARN": tagged_arn(self, store, "parametergroup", name, asked),
            "values": {},
        }
        return ActionResult({"CacheParameterGroup": store.parameters[name]})

    def describe_cache_parameter_groups(self: Any) -> ActionResult:
        return ActionResult({"CacheParameterGroups": list(store_of(self).parameters.values())})

    def describe_cache_parameters(self: Any) -> ActionResult:
        asked = asked_of(self)
        values = store_of(self).parameters[asked["CacheParameterGroupName"]]["values"]
        return ActionResult(page_of_parameters(CACHE, values, asked.get))

    def modify_cache_parameter_group(self: Any) -> ActionResult:
        asked = asked_of(self)
        record = store_of(self).parameters[asked["CacheParameterGroupName"]]
        for one in asked["ParameterNameValues"]:
            record["values"][one["ParameterName"]] = one["ParameterValue"]
        return ActionResult({"CacheParameterGroupName": asked["CacheParameterGroupName"]})

    def delete_cache_parameter_group(self: Any) -> EmptyResult:
        name, store = asked_of(self)["CacheParameterGroupName"], store_of(self)
        demand_unused(store, "parameters", name, "InvalidCacheParameterGroupState")
        pop_record(store.parameters, name, "CacheParameterGroupNotFound")
        return EmptyResult()
