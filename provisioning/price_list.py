"""AWS' Price List: which of its products is each row of the price table, and what it costs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from provisioning.aws import Cloud

_FAMILY, _IN_REGION = "productFamily", "regionCode"


@dataclass(frozen=True)
class Product:
    """A product of the list. `usage` matches the whole usage type behind the region's prefix (as in
    APN2-NatGateway-Hours); empty: any."""

    service: str
    unit: str
    filters: Mapping[str, str] = field(default_factory=dict)
    usage: str = ""


def product_of(section: str, row: str) -> Product | None:
    """What a row of the table stands for; None: it is not in the list."""
    if section in _SIZES:
        sized = _SIZES[section]
        return Product(sized.service, sized.unit, {**sized.filters, "instanceType": row})
    return _OTHERS.get(row)


def find_price(cloud: Cloud, product: Product) -> float | None:
    """Its on-demand price in US dollars. None if the list has no such product, or several prices.
    Of a price with a free or a cheaper tier, the first one that is charged."""
    prices = {
        price
        for listed in cloud.price_list(product.service, _filters(cloud, product))
        if (price := _first_charged(json.loads(listed), product))
    }
    return prices.pop() if len(prices) == 1 else None


def _filters(cloud: Cloud, product: Product) -> dict[str, str]:
    return {**product.filters, _IN_REGION: cloud.region}


def _first_charged(listed: Any, product: Product) -> float | None:
    usage = listed["product"]["attributes"].get("usagetype", "")
    if product.usage and not re.fullmatch(rf"(?:[A-Z0-9]+-)?{product.usage}", usage):
        return None
    charged = [
        (float(rate.get("beginRange", 0)), float(rate["pricePerUnit"].get("USD", 0)))
        for rate in _on_demand_rates(listed)
        if rate["unit"] == product.unit
    ]
    return next((price for _begin, price in sorted(charged) if price > 0), None)


def _on_demand_rates(listed: Any) -> Iterator[Any]:
    for term in listed["terms"].get("OnDemand", {}).values():
        yield from term["priceDimensions"].values()


# By section of the table; the row is the size.
_SIZES = {
    "ec2": Product("AmazonEC2", "Hrs", {
        _FAMILY: "Compute Instance", "operatingSystem": "Linux", "tenancy": "Shared",
        "preInstalledSw": "NA", "capacitystatus": "Used",
    }),
    "cache": Product("AmazonElastiCache", "Hrs", {
        _FAMILY: "Cache Instance", "cacheEngine": "Redis",
    }),
    "db": Product("AmazonRDS", "Hrs", {
        _FAMILY: "Database Instance", "databaseEngine": "MySQL", "deploymentOption": "Single-AZ",
    }),
}  # fmt: skip
_BALANCER = {_FAMILY: "Load Balancer-Application"}
_OTHERS = {
    "nat": Product("AmazonEC2", "Hrs", {_FAMILY: "NAT Gateway"}, "NatGateway-Hours"),
    "balancer": Product("AWSELB", "Hrs", _BALANCER, "LoadBalancerUsage"),
    "balancer_unit": Product("AWSELB", "LCU-Hrs", _BALANCER, "LCUUsage"),
    "public_address": Product("AmazonVPC", "Hrs", {}, "PublicIPv4:InUseAddress"),
    "mysql80_vcpu": Product(
        "AmazonRDS", "vCPU-Hours", {"databaseEngine": "MySQL"}, "ExtendedSupport:Yr1-Yr2:MySQL8.0"
    ),
    "ebs_gp3_gb": Product("AmazonEC2", "GB-Mo", {_FAMILY: "Storage", "volumeApiName": "gp3"}),
    "db_gp3_gb": Product(
        "AmazonRDS", "GB-Mo",
        {_FAMILY: "Database Storage", "volumeType": "General Purpose-GP3",
         "deploymentOption": "Single-AZ"},
        "RDS:GP3-Storage",
    ),
    "alarm": Product(
        "AmazonCloudWatch", "Alarms",
        {_FAMILY: "Alarm", "alarmType": "Standard"},
        "CW:AlarmMonitorUsage",
    ),
    "metric": Product("AmazonCloudWatch", "Metrics", {_FAMILY: "Metric"}, "CW:MetricMonitorUsage"),
    "dashboard": Product("AmazonCloudWatch", "Dashboards", {_FAMILY: "Dashboard"}),
    "log_gb": Product(
        "AmazonCloudWatch", "GB", {_FAMILY: "Data Payload"}, "DataProcessing-Bytes"
    ),
}  # fmt: skip
