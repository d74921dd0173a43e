"""What was made is not visible everywhere at once on AWS; on moto it is. Switched on by
`POST /late-visibility/on`, and off by a reset of the cloud.

For EC2, IAM, load balancers, and groups of RDS and ElastiCache: the first call that names a new
resource is refused, as if it did not exist. The second one, if it describes it, has an empty
answer; any other is refused once more. Both happen on AWS. Time passes by calls, not by seconds.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

ABSENT = {
    "vpc": "InvalidVpcID.NotFound", "subnet": "InvalidSubnetID.NotFound",
    "igw": "InvalidInternetGatewayID.NotFound", "rtb": "InvalidRouteTableID.NotFound",
    "sg": "InvalidGroup.NotFound", "nat": "NatGatewayNotFound",
    "eipalloc": "InvalidAllocationID.NotFound", "i": "InvalidInstanceID.NotFound",
}  # fmt: skip
ID = re.compile(rf"\b(?:{'|'.join(ABSENT)})-[0-9a-f]{{8,17}}\b")
SETS = {
    "DescribeVpcs": "vpcSet", "DescribeSubnets": "subnetSet", "DescribeInstances": "reservationSet",
    "DescribeSecurityGroups": "securityGroupInfo", "DescribeRouteTables": "routeTableSet",
    "DescribeNatGateways": "natGatewaySet",
}  # fmt: skip
# What is named by whoever makes it: action -> parameter with its name, code while it is hidden.
NAMED = {
    "CreateRole": ("RoleName", "NoSuchEntity"),
    "CreateInstanceProfile": ("InstanceProfileName", "NoSuchEntity"),
    "CreateDBSubnetGroup": ("DBSubnetGroupName", "DBSubnetGroupNotFoundFault"),
    "CreateDBParameterGroup": ("DBParameterGroupName", "DBParameterGroupNotFound"),
    "CreateCacheSubnetGroup": ("CacheSubnetGroupName", "CacheSubnetGroupNotFoundFault"),
    "CreateUser": ("UserId", "UserNotFound"),
    "CreateUserGroup": ("UserGroupId", "UserGroupNotFound"),
    "CreateCacheParameterGroup": ("CacheParameterGroupName", "CacheParameterGroupNotFound"),
}
ARN = re.compile(r"arn:aws:elasticloadbalancing:[^<\s]+?:(loadbalancer|targetgroup)/[^<\s]+")
ARNS = {"loadbalancer": "LoadBalancerNotFound", "targetgroup": "TargetGroupNotFound"}
CALLS = 2


class LateVisibility:
    """WSGI: answers in place of the cloud for what is too new."""

    def __init__(self, app: Any) -> None:
        self._app, self._on = app, False
        self._known: set[str] = set()
        self._new: dict[str, int] = {}  # id, ARN or name -> calls that do not see it yet
        self._codes: dict[str, str] = {}  # name -> how its service says that there is none

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path in ("/late-visibility/on", "/moto-api/reset"):
            self._on = path.endswith("/on")
            self._known, self._new, self._codes = set(), {}, {}
            if self._on:
                return _answer(start_response, "200 OK", "")
        asked = self._read_query(environ) if self._on else {}
        if late := [one for one in self._named(asked) if self._new.get(one)]:
            self._new[late[0]] -= 1
            code = self._codes.get(late[0], "")
            return _late_answer(start_response, asked["Action"], late[0], self._new[late[0]], code)
        answer: Iterable[bytes] = self._app(environ, start_response)
        return self._remember(asked, b"".join(answer)) if asked else answer

    def _read_query(self, environ: Any) -> dict[str, str]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        asked = dict(parse_qsl(body.decode(errors="replace")))
        return asked if "Action" in asked else {}

    def _named(self, asked: dict[str, str]) -> list[str]:
        return [value for name, value in asked.items() if not name.startswith("Filter.")]

    def _remember(self, asked: dict[str, str], answer: bytes) -> list[bytes]:
        action, ids = asked["Action"], set(ID.findall(answer.decode(errors="replace")))
        if action.startswith(("Create", "Run", "Allocate")):
            self._new |= dict.fromkeys(ids - self._known - set(asked.values()), CALLS)
        if action in NAMED and b"<ErrorResponse" not in answer:
            parameter, code = NAMED[action]
            self._hide(asked[parameter], code)
        if action in ("CreateLoadBalancer", "CreateTargetGroup"):
            for arn in ARN.finditer(answer.decode()):
                self._hide(arn[0], ARNS[arn[1]])
        self._known |= ids
        return [answer]

    def _hide(self, name: str, code: str) -> None:
        if name not in self._codes:
            self._new[name], self._codes[name] = CALLS, code


def _late_answer(
    start_response: Any, action: str, name: str, left: int, code_of_name: str
) -> Iterable[bytes]:
    if left == 0 and action in SETS:
        body = f"<{action}Response><requestId>late</requestId><{SETS[action]}/></{action}Response>"
        return _answer(start_response, "200 OK", body)
    code = ABSENT.get(name.rpartition("-")[0]) if ID.fullmatch(name) else None
    error = f"<Code>{code or code_of_name}</Code><Message>'{name}' does not exist</Message>"
    if code:
        body = f"<Response><Errors><Error>{error}</Error></Errors></Response>"
        return _answer(start_response, "400 Bad Request", body)
    body = f"<ErrorResponse><Error><Type>Sender</Type>{error}</Error></ErrorResponse>"
    return _answer(start_response, "404 Not Found", body)


def _answer(start_response: Any, status: str, body: str) -> Iterable[bytes]:
    headers = [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))]
    start_response(status, headers)
    return [body.encode()]
