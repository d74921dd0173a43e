"""Names that AWS refuses and moto takes: too long, or with characters that the service doesn't
allow. From each operation's page in AWS' API references; not from our own table."""

from __future__ import annotations

import re
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse

WORD = r"[A-Za-z](?:-?[A-Za-z0-9])*"  # begins with a letter, single hyphens, none at the end
GROUP = r"(?!sg-)[\w .\-:/()#,@\[\]+=&;{}!$*]+"
RESERVED = {"select", "table", "order", "group", "key", "keys", "rank", "system", "mysql"}  # some

# (service, operation): parameter, most characters, pattern, AWS' code
NAMES = {
    ("ec2", "CreateSecurityGroup"): ("GroupName", 255, GROUP, "InvalidParameterValue"),
    ("ec2", "ImportKeyPair"): ("KeyName", 255, r"[\x20-\x7e]+", "InvalidParameterValue"),
    ("iam", "CreateRole"): ("RoleName", 64, r"[\w+=,.@-]+", "ValidationError"),
    ("iam", "CreateInstanceProfile"): (
        "InstanceProfileName", 128, r"[\w+=,.@-]+", "ValidationError"),
    ("ssm", "PutParameter"): (
        "Name", 950, r"/(?!aws|ssm)[\w.\-/]+", "ValidationException"),  # 1011 with the ARN
    ("logs", "CreateLogGroup"): (
        "logGroupName", 512, r"[.\-_/#A-Za-z0-9]+", "InvalidParameterException"),
    ("elasticache", "CreateCacheSubnetGroup"): (
        "CacheSubnetGroupName", 255, r"[A-Za-z0-9-]+", "InvalidParameterValue"),
    ("elasticache", "CreateCacheParameterGroup"): (
        "CacheParameterGroupName", 255, WORD, "InvalidParameterValue"),
    ("elasticache", "CreateCacheCluster"): ("CacheClusterId", 50, WORD, "InvalidParameterValue"),
    ("elasticache", "CreateReplicationGroup"): (
        "ReplicationGroupId", 40, WORD, "InvalidParameterValue"),
    ("elasticache", "CreateUser"): ("UserId", 40, WORD, "InvalidParameterValue"),
    ("elasticache", "CreateUserGroup"): ("UserGroupId", 40, WORD, "InvalidParameterValue"),
    ("rds", "CreateDBSubnetGroup"): (
        "DBSubnetGroupName", 255, r"[A-Za-z][\w. \-]*", "InvalidParameterValue"),
    ("rds", "CreateDBParameterGroup"): (
        "DBParameterGroupName", 255, WORD, "InvalidParameterValue"),
    ("rds", "CreateDBInstance"): ("DBInstanceIdentifier", 63, WORD, "InvalidParameterValue"),
    ("elbv2", "CreateLoadBalancer"): (
        "Name", 32, r"(?!internal-)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?", "ValidationError"),
    ("elbv2", "CreateTargetGroup"): (
        "Name", 32, r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?", "ValidationError"),
    ("sns", "CreateTopic"): ("Name", 256, r"[A-Za-z0-9_-]+", "InvalidParameter"),
    ("cloudwatch", "PutMetricAlarm"): ("AlarmName", 255, r"[^\x00-\x1f]+", "ValidationError"),
    ("cloudwatch", "PutDashboard"): (
        "DashboardName", 255, r"[A-Za-z0-9_-]+", "InvalidParameterInput"),
    ("budgets", "CreateBudget"): (
        "Budget", 100, r"(?!.*/action/)[^:\\]+", "InvalidParameterException"),
}  # fmt: skip
TAG = re.compile(r"[\w .:/=+\-@]{0,256}")  # a tag's value, of every service


def refuse_ill_names() -> None:
    real = BaseResponse.call_action

    def checked_call(self: Any) -> Any:
        if refused := _refusal(self):
            status, headers, body = self.serialized(ActionResult(refused))
            return status, headers, body
        return real(self)

    BaseResponse.call_action = checked_call  # type: ignore[method-assign]


def refusal_by(response: Any, code: str, message: str) -> ServiceException:
    """moto serializes an error by the service whose module its class is of."""
    module = f"moto.{response.boto3_service_name}.exceptions"
    refused: type[ServiceException] = type("Refused", (ServiceException,), {"__module__": module})
    return refused(code, message)


def _refusal(response: Any) -> ServiceException | None:
    operation = (response.service_name, response._get_action())
    if operation in NAMES:
        parameter, most, pattern, code = NAMES[operation]
        name = response._get_param(parameter) or ""
        name = name["BudgetName"] if isinstance(name, dict) else name
        if len(name) > most or not re.fullmatch(pattern, name, re.ASCII):
            text = f"The name in {parameter} is too long or ill: {name}"
            return refusal_by(response, code, text)
    if operation == ("rds", "CreateDBInstance"):
        return _ill_schema(response)
    return _ill_tag(response)


def _ill_schema(response: Any) -> ServiceException | None:
    for parameter, most in (("DBName", 64), ("MasterUsername", 16)):
        name = response._get_param(parameter) or "none"
        if (
            len(name) > most
            or not re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII)
            or name.lower() in RESERVED
        ):
            text = f"{parameter} must begin with a letter, and have letters and digits: {name}"
            return refusal_by(response, "InvalidParameterValue", text)
    return _ill_tag(response)


def _ill_tag(response: Any) -> ServiceException | None:
    for tag in _tags(response):
        if not TAG.fullmatch(str(tag.get("Value", ""))):
            text = f"The name in a tag is too long: {tag}"
            return refusal_by(response, "InvalidParameterValue", text)
    return None


def _tags(response: Any) -> list[dict[str, Any]]:
    """Of what the operation makes: EC2 has them in TagSpecification(s), logs as a table."""
    if not response._get_action().startswith(("Create", "Put", "Run", "Import", "Allocate")):
        return []
    made = response._get_param("TagSpecifications") or response._get_param("TagSpecification") or []
    tags = response._get_param("Tags") or response._get_param("tags") or []
    if isinstance(tags, dict):
        tags = [{"Key": key, "Value": value} for key, value in tags.items()]
    return [*tags, *(tag for one in made for tag in one.get("Tags", ()))]
