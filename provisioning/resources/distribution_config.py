"""A distribution's configuration in CloudFront's words, and read back from them.

Each behaviour is one of four; `PATHS` says which path has which, the first that matches counts. A
cached answer is kept for as long as its own Cache-Control says: without one, not at all. The header
Host is passed on, so the balancer's certificate is judged by the name that users call.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ORIGIN = "balancer"
REST = "*"  # the default behaviour
PATHS = {
    "/events*": "page",  # by language; forms are posted there
    "/static/*": "file",
    "/coupon-button.js": "file",
    "/api/v1/campaigns/*/live": "shared",
    "/api/v1/campaigns": "shared",
    REST: "passed",  # with Authorization: each user's own answer, never kept
}
_READS = ("GET", "HEAD", "OPTIONS")
_ALL = (*_READS, "DELETE", "PATCH", "POST", "PUT")
_CORS = ("Origin", "Access-Control-Request-Headers", "Access-Control-Request-Method")
# kind -> methods, headers that are passed on and tell answers apart, whether the query does
_KINDS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], bool]] = {
    "page": (_ALL, ("Host", "Accept-Language"), True),
    "file": (_READS, ("Host",), False),
    "shared": (_READS, ("Host", *_CORS), True),
    "passed": (_ALL, ("*",), True),
}
LONGEST_S = 3600
# Answers that CloudFront would keep for ten seconds by itself.
ERRORS = (400, 403, 404, 405, 414, 500, 501, 502, 503, 504)
TLS = "TLSv1.2_2021"


def configuration(props: Mapping[str, Any], host: str, reference: str, name: str) -> Any:
    """A distribution's whole DistributionConfig. `host`: the balancer's DNS name."""
    behaviours = [
        {"PathPattern": path, **_behaviour(kind)}
        for path, kind in props["behaviours"].items()
        if path != REST
    ]
    errors: Any = [{"ErrorCode": code, "ErrorCachingMinTTL": 0} for code in ERRORS]
    return {
        "CallerReference": reference,
        "Comment": name,
        "Enabled": props["enabled"],
        "Aliases": _listed(sorted(props["hostnames"])),
        "Origins": _listed([_origin(host)]),
        "DefaultCacheBehavior": _behaviour(props["behaviours"][REST]),
        "CacheBehaviors": _listed(behaviours),
        "CustomErrorResponses": _listed(errors),
        "PriceClass": props["price_class"],
        "HttpVersion": "http2and3",
        "IsIPV6Enabled": True,
        "ViewerCertificate": {
            "ACMCertificateArn": props["certificate"],
            "SSLSupportMethod": "sni-only",
            "MinimumProtocolVersion": TLS,
        },
    }


def properties(summary: Any) -> dict[str, Any]:
    """The properties of a distribution, but for its balancer, as AWS describes it."""
    behaviours = {one["PathPattern"]: kind_of(one) for one in _items(summary, "CacheBehaviors")}
    return {
        "enabled": summary["Enabled"],
        "hostnames": frozenset(_items(summary, "Aliases")),
        "certificate": summary["ViewerCertificate"].get("ACMCertificateArn", ""),
        "price_class": summary["PriceClass"],
        "behaviours": {**behaviours, REST: kind_of(summary["DefaultCacheBehavior"])},
        "errors_kept": frozenset(ERRORS) - _not_kept(summary),
    }


def kind_of(behaviour: Any) -> str:
    """Which of ours this is; else `changed`."""
    found = _shape(behaviour)
    return next((kind for kind in _KINDS if _shape(_behaviour(kind)) == found), "changed")


def origin_host(summary: Any) -> str:
    return str(_items(summary, "Origins")[0]["DomainName"])


def _not_kept(summary: Any) -> frozenset[int]:
    return frozenset(
        one["ErrorCode"]
        for one in _items(summary, "CustomErrorResponses")
        if int(one.get("ErrorCachingMinTTL", 10)) == 0
    )


def _behaviour(kind: str) -> Any:
    methods, headers, query = _KINDS[kind]
    return {
        "TargetOriginId": ORIGIN,
        "ViewerProtocolPolicy": "redirect-to-https",
        "AllowedMethods": {**_listed(list(methods)), "CachedMethods": _listed(["GET", "HEAD"])},
        "Compress": True,
        "ForwardedValues": {
            "QueryString": query,
            "Cookies": {"Forward": "none"},  # nothing of ours has any but the admin
            "Headers": _listed(list(headers)),
        },
        "MinTTL": 0,
        "DefaultTTL": 0,
        "MaxTTL": LONGEST_S,
    }


def _shape(behaviour: Any) -> tuple[Any, ...]:
    """What tells the kinds apart, in a form that AWS' answers and ours share."""
    forwarded = behaviour.get("ForwardedValues", {})
    return (
        behaviour["TargetOriginId"],
        behaviour["ViewerProtocolPolicy"],
        frozenset(_items(behaviour, "AllowedMethods")),
        frozenset(_items(forwarded, "Headers")),
        forwarded.get("QueryString"),
        forwarded.get("Cookies", {}).get("Forward"),
        tuple(behaviour.get(name) for name in ("MinTTL", "DefaultTTL", "MaxTTL")),
    )


def _origin(host: str) -> Any:
    return {
        "Id": ORIGIN,
        "DomainName": host,
        "CustomOriginConfig": {
            "HTTPPort": 80,
            "HTTPSPort": 443,
            "OriginProtocolPolicy": "https-only",
            "OriginSslProtocols": _listed(["TLSv1.2"]),
            "OriginReadTimeout": 30,
            # Shorter than the balancer's 60: the side that sends requests closes.
            "OriginKeepaliveTimeout": 30,
        },
    }


def _listed(items: list[Any]) -> Any:
    return {"Quantity": len(items), "Items": items} if items else {"Quantity": 0}


def _items(holder: Any, name: str) -> list[Any]:
    return list((holder.get(name) or {}).get("Items") or [])
