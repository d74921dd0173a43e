"""A listener of the load balancer: forwards to the api hosts, or redirects to HTTPS."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from provisioning.aws import Cloud
from provisioning.client_errors import ignoring
from provisioning.model import Found, Want
from provisioning.resources.balancer import TLS_POLICY, our_resources
from provisioning.resources.kind import Kind


class Listener(Kind):
    kind = "listener"
    absent = frozenset({"ListenerNotFound"})

    def find_all(self, cloud: Cloud) -> Iterable[Found]:
        pages = cloud.elb.get_paginator("describe_load_balancers").paginate()
        balancers = [balancer for page in pages for balancer in page["LoadBalancers"]]
        for _, balancer in our_resources(cloud, balancers, "LoadBalancerArn"):
            listeners: Any = cloud.elb.describe_listeners(
                LoadBalancerArn=balancer["LoadBalancerArn"]
            )
            for name, listener in our_resources(cloud, listeners["Listeners"], "ListenerArn"):
                yield self._found(name, listener)

    def _found(self, name: str, listener: Any) -> Found:
        action = listener["DefaultActions"][0]
        certificates = listener.get("Certificates") or [{}]
        return self.found(
            name=name,
            id=listener["ListenerArn"],
            props={
                "balancer": listener["LoadBalancerArn"],
                "port": listener["Port"],
                "certificate": certificates[0].get("CertificateArn", ""),
                "target": action.get("TargetGroupArn", "redirect"),
            },
        )

    def create_one(self, cloud: Cloud, want: Want) -> str:
        response = cloud.elb.create_listener(
            LoadBalancerArn=want.props["balancer"],
            Port=want.props["port"],
            Tags=cloud.scope.tags(want.name),
            **_settings(want),
        )
        return response["Listeners"][0]["ListenerArn"]

    def change_one(self, cloud: Cloud, found: Found, want: Want, changed: frozenset[str]) -> None:
        cloud.elb.modify_listener(ListenerArn=found.id, **_settings(want))

    def delete_one(self, cloud: Cloud, found: Found) -> None:
        with ignoring("ListenerNotFound"):
            cloud.elb.delete_listener(ListenerArn=found.id)


def _settings(want: Want) -> Any:
    if want.props["target"] == "redirect":
        to_tls = {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}
        action: dict[str, Any] = {"Type": "redirect", "RedirectConfig": to_tls}
    else:
        action = {"Type": "forward", "TargetGroupArn": want.props["target"]}
    settings: dict[str, Any] = {"Protocol": "HTTP", "DefaultActions": [action]}
    if want.props["certificate"]:
        settings["Protocol"] = "HTTPS"
        settings["SslPolicy"] = TLS_POLICY
        settings["Certificates"] = [{"CertificateArn": want.props["certificate"]}]
    return settings
