"""AWS' Price List beside moto, which has none: `GetProducts` over products in the shape of AWS' own
documents, filtered and paged as AWS does it. Their prices are made up."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

REGION, PREFIX = "ap-northeast-2", "APN2-"
PAGE = 3
TARGET = "AWSPriceListService.GetProducts"


def served_beside(app: Any) -> Any:
    def serve(environ: Any, start_response: Any) -> Iterable[bytes]:
        if environ.get("HTTP_X_AMZ_TARGET") != TARGET:
            answer: Iterable[bytes] = app(environ, start_response)
            return answer
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = json.dumps(_page(json.loads(environ["wsgi.input"].read(length)))).encode()
        start_response("200 OK", [("Content-Type", "application/x-amz-json-1.1")])
        return [body]

    return serve


def _page(asked: Any) -> dict[str, Any]:
    wanted = {each["Field"]: each["Value"] for each in asked.get("Filters", ())}
    found = [
        json.dumps(product)
        for product in _products()
        if product["serviceCode"] == asked["ServiceCode"]
        and wanted.items() <= (product["product"]["attributes"] | _family(product)).items()
    ]
    begin = int(asked.get("NextToken") or 0)
    more = {"NextToken": str(begin + PAGE)} if begin + PAGE < len(found) else {}
    return {"FormatVersion": "aws_v1", "PriceList": found[begin : begin + PAGE]} | more


def _family(product: Any) -> dict[str, str]:
    return {"productFamily": product["product"]["productFamily"]}


def _product(
    service: str, family: str, usage: str, unit: str, *prices: float, **attributes: str
) -> dict[str, Any]:
    """`prices`: of tiers, each beginning a thousand units later."""
    rates = {
        f"SKU.OD.{tier}": {
            "unit": unit, "beginRange": str(1000 * tier), "endRange": "Inf",
            "description": "made up", "appliesTo": [], "pricePerUnit": {"USD": f"{price:.10f}"},
        }
        for tier, price in enumerate(prices)
    }  # fmt: skip
    reserved = {
        "SKU.RI": {
            "priceDimensions": {"SKU.RI.1": {"unit": unit, "pricePerUnit": {"USD": "0.001"}}}
        }
    }
    known = {"regionCode": REGION, "servicecode": service, "usagetype": f"{PREFIX}{usage}"}
    return {
        "serviceCode": service,
        "product": {"productFamily": family, "sku": "SKU", "attributes": known | attributes},
        "terms": {"OnDemand": {"SKU.OD": {"priceDimensions": rates}}, "Reserved": reserved},
    }


LINUX = {"operatingSystem": "Linux", "tenancy": "Shared", "preInstalledSw": "NA"}
EC2 = ("t2.micro", "t2.small", "t2.medium", "t3.micro", "t3.small", "t3.medium", "t4g.micro",
       "t4g.small", "t4g.medium", "m7g.medium", "m7g.large", "c7g.medium", "c7g.large",
       "c7g.xlarge", "c7g.2xlarge")  # fmt: skip
CACHE = ("cache.t3.micro", "cache.t4g.micro", "cache.t4g.small", "cache.t4g.medium",
         "cache.m7g.large", "cache.m7g.xlarge", "cache.r7g.large")  # fmt: skip
DB = ("db.t4g.micro", "db.t4g.small", "db.t4g.medium", "db.m7g.large", "db.m7g.xlarge",
      "db.r7g.large")  # fmt: skip


def _products() -> Iterator[dict[str, Any]]:
    """Each of ours, among neighbours that must not be taken for it."""
    for number, size in enumerate(EC2, start=1):
        family, usage = "Compute Instance", f"BoxUsage:{size}"
        known = LINUX | {"instanceType": size, "capacitystatus": "Used"}
        yield _product("AmazonEC2", family, usage, "Hrs", number / 100, **known)
        for other in (
            {"operatingSystem": "Windows"},
            {"tenancy": "Dedicated"},
            {"preInstalledSw": "SQL Web"},
            {"capacitystatus": "UnusedCapacityReservation"},
            {"regionCode": "us-east-1"},
        ):
            yield _product("AmazonEC2", family, usage, "Hrs", 9, **known | other)
    for number, size in enumerate(CACHE, start=1):
        family, usage = "Cache Instance", f"NodeUsage:{size}"
        for engine, price in (("Redis", number / 10), ("Valkey", 9), ("Memcached", 9)):
            yield _product("AmazonElastiCache", family, usage, "Hrs", price, instanceType=size,
                           cacheEngine=engine)  # fmt: skip
    for number, size in enumerate(DB, start=1):
        family, usage = "Database Instance", f"InstanceUsage:{size}"
        for engine, zones, price in (("MySQL", "Single-AZ", number / 5), ("MySQL", "Multi-AZ", 9),
                                     ("MariaDB", "Single-AZ", 9)):  # fmt: skip
            yield _product("AmazonRDS", family, usage, "Hrs", price, instanceType=size,
                           databaseEngine=engine, deploymentOption=zones)  # fmt: skip
    yield _product("AmazonEC2", "NAT Gateway", "NatGateway-Hours", "Hrs", 0.061)
    yield _product("AmazonEC2", "NAT Gateway", "NatGateway-Bytes", "GB", 9)
    yield _product("AWSELB", "Load Balancer-Application", "LoadBalancerUsage", "Hrs", 0.0226)
    yield _product("AWSELB", "Load Balancer-Application", "LCUUsage", "LCU-Hrs", 0.0081)
    yield _product("AWSELB", "Load Balancer-Application", "ReservedLCUUsage", "LCU-Hrs", 9)
    yield _product("AWSELB", "Load Balancer-Network", "LoadBalancerUsage", "Hrs", 9)
    yield _product("AmazonVPC", "VPC", "PublicIPv4:InUseAddress", "Hrs", 0.0051)
    yield _product("AmazonVPC", "VPC", "PublicIPv4:IdleAddress", "Hrs", 9)
    yield _product("AmazonEC2", "Storage", "EBS:VolumeUsage.gp3", "GB-Mo", 0.0913,
                   volumeApiName="gp3")  # fmt: skip
    yield _product("AmazonEC2", "Storage", "EBS:VolumeUsage.gp2", "GB-Mo", 9, volumeApiName="gp2")
    yield _product("AmazonRDS", "Database Storage", "RDS:GP3-Storage", "GB-Mo", 0.132,
                   volumeType="General Purpose-GP3", deploymentOption="Single-AZ")  # fmt: skip
    yield _product("AmazonCloudWatch", "Alarm", "CW:AlarmMonitorUsage", "Alarms", 0, 0.11,
                   alarmType="Standard")  # fmt: skip
    yield _product("AmazonCloudWatch", "Metric", "CW:MetricMonitorUsage", "Metrics", 0, 0.31)
    yield _product("AmazonCloudWatch", "Metric", "CW:MetricStreamUsage", "Metrics", 9)
    yield _product("AmazonCloudWatch", "Dashboard", "DashboardsUsageHour", "Dashboards", 0, 3.1)
    for price in (0.77, 0.78):  # two answers: no guess among them
        yield _product("AmazonCloudWatch", "Data Payload", "DataProcessing-Bytes", "GB", price)
