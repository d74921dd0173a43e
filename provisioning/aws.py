"""The only module that imports boto3: clients, and counters of calls."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from provisioning.client_errors import translated_errors
from provisioning.spec.model import Spec, Waiting
from provisioning.tags import Scope

if TYPE_CHECKING:
    from mypy_boto3_budgets import BudgetsClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_elasticache import ElastiCacheClient
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_rds import RDSClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_sts import STSClient

READS = ("Describe", "Get", "List", "Simulate")
# Adaptive retries slow the client down when AWS throttles, instead of failing in the middle.
# Creations without a unique name have a client token, so that a retry makes no duplicate.
CONFIG = Config(
    retries={"mode": "adaptive", "max_attempts": 8},
    connect_timeout=10,
    read_timeout=60,
    max_pool_connections=32,
    user_agent_extra="coupon-provisioning",
)

_PRICE_LIST_REGION = "us-east-1"

WriteHook = Callable[[str], None]


class Cloud:
    """One account and region, restricted to one environment's tags. Counts reads and writes."""

    def __init__(
        self, *, scope: Scope, region: str, profile: str | None = None,
        waiting: Waiting | None = None, on_write: WriteHook | None = None,
    ) -> None:  # fmt: skip
        self.scope = scope
        self.region = region
        self.waiting = waiting or Waiting()
        self.reads: list[str] = []
        self.writes: list[str] = []
        self._on_write = on_write
        self._session = boto3.Session(profile_name=profile, region_name=region)
        self._session.events.register("after-call.*.*", self._count)
        self.stopping = threading.Event()  # set when a run is aborted: all waits end
        self._making = threading.Lock()  # a boto3 session must not make two clients at once

    def _count(self, model: Any, **_: object) -> None:
        if model.name.startswith(READS):
            self.reads.append(model.name)
            return
        self.writes.append(model.name)
        if self._on_write:
            self._on_write(model.name)

    def _client(self, service: Any, **more: Any) -> Any:
        with self._making:
            return self._session.client(service, config=CONFIG, **more)

    @cached_property
    def ec2(self) -> EC2Client:
        client: EC2Client = self._client("ec2")
        return client

    @cached_property
    def rds(self) -> RDSClient:
        client: RDSClient = self._client("rds")
        return client

    @cached_property
    def elasticache(self) -> ElastiCacheClient:
        client: ElastiCacheClient = self._client("elasticache")
        return client

    @cached_property
    def elb(self) -> ElasticLoadBalancingv2Client:
        client: ElasticLoadBalancingv2Client = self._client("elbv2")
        return client

    @cached_property
    def ssm(self) -> SSMClient:
        client: SSMClient = self._client("ssm")
        return client

    @cached_property
    def iam(self) -> IAMClient:
        client: IAMClient = self._client("iam")
        return client

    @cached_property
    def logs(self) -> CloudWatchLogsClient:
        client: CloudWatchLogsClient = self._client("logs")
        return client

    @cached_property
    def cloudwatch(self) -> CloudWatchClient:
        client: CloudWatchClient = self._client("cloudwatch")
        return client

    @cached_property
    def sns(self) -> SNSClient:
        client: SNSClient = self._client("sns")
        return client

    @cached_property
    def budgets(self) -> BudgetsClient:
        client: BudgetsClient = self._client("budgets")
        return client

    @cached_property
    def cloudfront(self) -> Any:
        """A service of the whole account: it has no region."""
        return self._client("cloudfront")

    @cached_property
    def sts(self) -> STSClient:
        client: STSClient = self._client("sts")
        return client

    @cached_property
    def account(self) -> str:
        """The account's number."""
        return self.sts.get_caller_identity()["Account"]

    def quota(self, service: str, code: str) -> float:
        """The value of an account quota by its code, as it is set for this account."""
        answer = self._client("service-quotas").get_service_quota(
            ServiceCode=service, QuotaCode=code
        )
        return float(answer["Quota"]["Value"])

    def certificate_status(self, arn: str) -> str:
        """ACM's status of a certificate, in the region that its ARN names: only ISSUED can be
        used."""
        region = [*arn.split(":"), *[""] * 4][3] or self.region
        answer = self._client("acm", region_name=region).describe_certificate(CertificateArn=arn)
        return str(answer["Certificate"]["Status"])

    def price_list(self, service: str, filters: Mapping[str, str]) -> Iterator[str]:
        """The products of AWS' Price List with these attributes, each a JSON document. The list of
        all regions is served in a few of them."""
        pages = self._client("pricing", region_name=_PRICE_LIST_REGION).get_paginator(
            "get_products"
        )
        matches = [
            {"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in filters.items()
        ]
        for page in pages.paginate(ServiceCode=service, Filters=matches):
            yield from page["PriceList"]

    def tagged_arns(self, *types: str) -> list[str]:
        """ARNs of all resources with our tags, of any service or only of types like "ec2:vpc".

        This is a separate index of AWS, which may lag behind its services by minutes.
        """
        owner = [{"Key": key, "Values": [value]} for key, value in self.scope.owner().items()]
        type_filter = {"ResourceTypeFilters": list(types)} if types else {}
        pages = self._client("resourcegroupstaggingapi").get_paginator("get_resources")
        return [
            resource["ResourceARN"]
            for page in pages.paginate(TagFilters=owner, **type_filter)
            for resource in page["ResourceTagMappingList"]
        ]


def connect_cloud(
    spec: Spec, *, profile: str | None = None, on_write: WriteHook | None = None
) -> Cloud:
    """A cloud for the spec. boto3 itself reads AWS_PROFILE, AWS_ENDPOINT_URL and the like."""
    with translated_errors("Opening a session"):
        return Cloud(
            scope=Scope(project=spec.environment.project, environment=spec.environment.name),
            region=spec.environment.region,
            profile=profile,
            waiting=spec.waiting,
            on_write=on_write,
        )
