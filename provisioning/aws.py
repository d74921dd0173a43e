"""The only module that imports boto3: clients, counters of calls, translated errors, waiters."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from provisioning.errors import AwsRefused, Incomplete
from provisioning.quantities import counted_noun
from provisioning.refusals import explain_refusal
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
LONGEST = 400  # characters of AWS' own message in a sentence of ours

WriteHook = Callable[[str], None]
T = TypeVar("T")


class NotYetVisible(Exception):
    """AWS' answer lacks what was made a moment ago."""


def only_answer(described: Sequence[T]) -> T:
    """The one description that AWS was asked for. Raises NotYetVisible if the answer is empty."""
    if not described:
        raise NotYetVisible
    return described[0]


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
        """ACM's status of a certificate: only ISSUED can be used."""
        answer = self._client("acm").describe_certificate(CertificateArn=arn)
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

    def wait_until(self, what: str, check: Callable[[], bool]) -> None:
        """Polls `check` with a growing pause until it is true. Raises Incomplete after the spec's
        `waiting.minutes`, or when the run is aborted."""
        deadline = time.monotonic() + self.waiting.minutes * 60
        pause = min(0.2, self.waiting.poll_seconds)
        while not check():
            if time.monotonic() > deadline:
                allowed = counted_noun(self.waiting.minutes, "minute")
                raise Incomplete(
                    f"{what} took longer than {allowed}.",
                    todo="AWS may still finish it: apply again later, or raise waiting.minutes.",
                )
            if self.stopping.wait(pause):
                raise Incomplete(f"{what} was left to AWS.", todo="Apply again to go on.")
            pause = min(pause * 2 + 0.01, self.waiting.poll_seconds)

    def eventually(self, what: str, not_yet: str, call: Callable[[], T]) -> T:
        """The result of `call`, retried while AWS refuses it with `not_yet` in its message.

        AWS is eventually consistent: a new resource is visible everywhere only after seconds.
        """
        return self.ask_again(what, lambda error: not_yet in str(error), call)

    def ask_again(
        self, what: str, is_passing: Callable[[ClientError], bool], call: Callable[[], T]
    ) -> T:
        """The result of `call`, repeated while AWS refuses it with an error that `is_passing`, or
        doesn't see yet what it needs.
        Raises Incomplete with AWS' last refusal after the spec's `waiting.minutes`."""
        results: list[T] = []
        refused = ""

        def attempt() -> bool:
            nonlocal refused
            try:
                results.append(call())
            except NotYetVisible:
                refused = " AWS' answer was empty."
            except ClientError as error:
                if not is_passing(error):
                    raise
                refused = f" AWS said: {_brief(str(error))}"
            return bool(results)

        try:
            self.wait_until(what, attempt)
        except Incomplete as late:
            raise Incomplete(f"{late.sentence}{refused}", todo=late.todo) from late
        return results[0]


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


@contextmanager
def translated_errors(doing: str) -> Iterator[None]:
    """Turns boto3's exceptions into AwsRefused, which names what was attempted and what to do."""
    try:
        yield
    except ClientError as client_error:
        error = client_error.response.get("Error", {})
        raise explain_refusal(
            code=error.get("Code", "unknown"), message=_brief(error.get("Message", "")), doing=doing
        ) from client_error
    except ResponseParserError as boto_error:
        raise AwsRefused(
            f"{doing}: the endpoint's response is not one of AWS.",
            todo="Check AWS_ENDPOINT_URL: the server there may not support this call.",
            aws_code=type(boto_error).__name__,
        ) from boto_error
    except BotoCoreError as boto_error:
        raise AwsRefused(
            f"{doing}: {_brief(str(boto_error))}",
            todo="Check credentials, region, AWS_ENDPOINT_URL and the network, or run doctor.",
            aws_code=type(boto_error).__name__,
        ) from boto_error


def _brief(text: str) -> str:
    """One line of at most LONGEST characters: a proxy or a broken endpoint may send a page."""
    line = " ".join(re.sub(r"<[^>]*>", " ", text).split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}..."


class ignoring:  # noqa: N801 - a context manager, used as `with ignoring("InvalidVpcID.NotFound")`
    """Suppresses the named AWS errors, for what is already gone or already exists."""

    def __init__(self, *codes: str) -> None:
        self.codes = codes

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: object, _: object) -> bool:
        return isinstance(error, ClientError) and error_code(error) in self.codes


def error_code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def would_be_allowed(call: Callable[[], object]) -> bool:
    """Whether the credentials may do it, according to a DryRun. Raises any other ClientError."""
    try:
        call()
    except ClientError as error:
        code = error_code(error)
        if code == "DryRunOperation":
            return True
        if code in ("UnauthorizedOperation", "AccessDenied", "AccessDeniedException"):
            return False
        raise
    return True
