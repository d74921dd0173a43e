"""Rules for stores, load balancer and secrets: what AWS would refuse, and what is unsafe."""

from __future__ import annotations

import ipaddress
import re

from provisioning.name_rules import RESERVED_WORDS, SCHEMA_RULE, USER_RULE, NameRule
from provisioning.spec.model import Balancer, Cache, Spec
from provisioning.spec.problems import Problems
from provisioning.spec.releases import CACHES, cache_problem, mysql_problem

RESERVED = (22, 80, 443, 8080, 8081, 8090, 8405)
PURPOSES = ("decisions", "broker")
ACCESS = ("", "users", "both", "token")
PLAIN_HTTP = "for trying out"
HOSTNAME = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
ARN = re.compile(r"^arn:aws[\w-]*:")
EDGE_ARN = re.compile(r"^arn:aws[\w-]*:acm:us-east-1:\d+:certificate/")
PRICE_CLASSES = ("PriceClass_100", "PriceClass_200", "PriceClass_All")


def judge_port(path: str, value: int, problems: Problems) -> None:
    if not 1024 <= value <= 65535:
        problems.add(path, f"port must be 1024 to 65535, is {value}")
    elif value in RESERVED:
        problems.add(path, f"port {value} is taken by the hosts' own services")


def judge_caches(spec: Spec, problems: Problems) -> None:
    for i, cache in enumerate(spec.caches):
        _cache(spec, cache, f"caches[{i}]", problems)
    served = [purpose for cache in spec.caches for purpose in cache.purpose]
    for purpose in PURPOSES:
        if served.count(purpose) != 1:
            problems.add(
                "caches", f"exactly one must serve {purpose!r}, {served.count(purpose)} do"
            )


def _cache(spec: Spec, cache: Cache, path: str, problems: Problems) -> None:
    judge_port(f"{path}.port", cache.port, problems)
    _tiers(spec, cache.tiers, path, problems)
    if cache.engine not in CACHES:
        problems.add(f"{path}.engine", f"{cache.engine!r} is neither redis nor valkey")
    elif problem := cache_problem(cache.engine, cache.version):
        problems.add(f"{path}.version", f"{cache.version!r} {problem}")
    if unknown := set(cache.purpose) - set(PURPOSES):
        problems.add(f"{path}.purpose", f"unknown: {', '.join(sorted(unknown))}")
    if not 0 <= cache.replicas <= 5:
        problems.add(f"{path}.replicas", f"must be 0 to 5, is {cache.replicas}")
    if not cache.managed_group and (cache.encrypted or cache.replicas):
        problems.add(path, "encryption and replicas need managed_group = true")
    if not cache.managed_group and cache.engine == "valkey":
        problems.add(f"{path}.engine", "valkey needs managed_group = true")
    if cache.managed_group and not cache.noeviction:
        problems.add(f"{path}.noeviction", "eviction throws coupons away; it must be true")
    _durability(cache, path, problems)
    _access(cache, path, problems)
    zones = {subnet.zone for subnet in spec.tier(*cache.tiers)}
    if cache.replicas and len(zones) < 2:
        problems.add(f"{path}.tiers", "a replica needs subnets in two zones")


def _durability(cache: Cache, path: str, problems: Problems) -> None:
    """AWS offers it in cluster mode only, which neither kombu nor (yet) our store supports."""
    if cache.durability in ("sync", "async"):
        problems.add(
            f"{path}.durability",
            f"{cache.durability!r} needs ElastiCache's cluster mode, which the service's Redis "
            "client does not support yet; leave it out, and read in provisioning/README.md what a "
            "failover may lose and what guards against it",
        )
    elif cache.durability != "none":
        problems.add(f"{path}.durability", f"{cache.durability!r} is not none; see README.md")


def _access(cache: Cache, path: str, problems: Problems) -> None:
    if cache.access not in ACCESS:
        problems.add(
            f"{path}.access",
            f"{cache.access!r} is none of users, both and token; left out, it is users",
        )
    elif cache.access and not cache.encrypted:
        problems.add(
            f"{path}.access",
            "needs encrypted = true: AWS has users and tokens only where connections are encrypted",
        )


def judge_database(spec: Spec, problems: Problems) -> None:
    wanted = spec.database
    judge_port("database.port", wanted.port, problems)
    _tiers(spec, wanted.tiers, "database", problems)
    if wanted.port in {cache.port for cache in spec.caches}:
        problems.add("database.port", "is also a cache's port")
    if wanted.public:
        problems.add("database.public", "a database is never reachable from the internet")
    if len({subnet.zone for subnet in spec.tier(*wanted.tiers)}) < 2:
        problems.add("database.tiers", "RDS needs subnets in two zones, even for one instance")
    if problem := mysql_problem(wanted.version):
        problems.add("database.version", f"{wanted.version!r} {problem}")
    _word("database.schema", wanted.schema, SCHEMA_RULE, problems)
    _word("database.user", wanted.user, USER_RULE, problems)
    if not 20 <= wanted.storage_gb <= 16384:
        problems.add("database.storage_gb", f"must be 20 to 16384 GB, is {wanted.storage_gb}")
    least = -(-wanted.storage_gb * 11 // 10)
    if wanted.max_storage_gb and not least <= wanted.max_storage_gb <= 65536:
        problems.add(
            "database.max_storage_gb",
            f"must be {least} to 65536 GB, a tenth above storage_gb, or 0; is "
            f"{wanted.max_storage_gb}",
        )
    if not 0 <= wanted.backup_days <= 35:
        problems.add("database.backup_days", f"must be 0 to 35, is {wanted.backup_days}")
    if wanted.insights and wanted.type.endswith((".micro", ".small")):
        problems.add("database.insights", f"{wanted.type} is too small for performance insights")


def _word(path: str, name: str, rule: NameRule, problems: Problems) -> None:
    """A name that is a word of SQL."""
    if problem := rule.problem(name):
        problems.add(path, f"{name!r} {problem}")
    if name.lower() in RESERVED_WORDS:
        problems.add(path, f"{name!r} is a reserved word of MySQL")


def _tiers(spec: Spec, tiers: tuple[str, ...], path: str, problems: Problems) -> None:
    if "public" in tiers:
        problems.add(f"{path}.tiers", "a store must not be in a public subnet")
    for tier in tiers:
        if not spec.tier(tier):
            problems.add(f"{path}.tiers", f"there is no subnet of tier {tier!r}")


def judge_balancer(spec: Spec, problems: Problems) -> None:
    wanted = spec.balancer
    if wanted is None:
        return
    if len({subnet.zone for subnet in spec.tier("public")}) < 2:
        problems.add("balancer", "needs public subnets in two zones")
    if wanted.certificate_arn and not ARN.match(wanted.certificate_arn):
        problems.add("balancer.certificate_arn", "is no ARN")
    for i, name in enumerate(wanted.hostnames):
        if not HOSTNAME.fullmatch(name):
            problems.add(f"balancer.hostnames[{i}]", f"{name!r} is no host name like shop.example")
    _encryption(wanted, problems)
    _merchants(wanted, problems)
    if not wanted.health_path.startswith("/"):
        problems.add("balancer.health_path", "must start with /")
    if spec.firewall.style != "roles":
        problems.add("balancer", "needs firewall.style = 'roles'")


def judge_edge(spec: Spec, problems: Problems) -> None:
    """CloudFront takes the origin's certificate by the name that users call, so both need one."""
    edge = spec.edge
    if edge is None:
        return
    if spec.balancer is None or not (spec.balancer.certificate_arn and spec.balancer.hostnames):
        problems.add("edge", "needs a balancer with a certificate and hostnames")
    if not EDGE_ARN.match(edge.certificate_arn):
        problems.add(
            "edge.certificate_arn", "is no certificate of us-east-1, the only ones CloudFront takes"
        )
    if edge.price_class not in PRICE_CLASSES:
        problems.add("edge.price_class", f"is none of {', '.join(PRICE_CLASSES)}")


def _merchants(wanted: Balancer, problems: Problems) -> None:
    if wanted.merchants_port and not 1024 <= wanted.merchants_port <= 65535:
        problems.add("balancer.merchants_port", "port must be 1024 to 65535, or 0 for none")
    if wanted.merchants_from and not wanted.merchants_port:
        problems.add("balancer.merchants_from", "needs a merchants_port")
    for i, network in enumerate(wanted.merchants_from):
        try:
            ipaddress.IPv4Network(network)
        except ValueError as wrong:
            problems.add(
                f"balancer.merchants_from[{i}]", f"{network!r} is no IPv4 network: {wrong}"
            )


def _encryption(wanted: Balancer, problems: Problems) -> None:
    """No plain HTTP by accident: without a certificate plain_http must have exactly PLAIN_HTTP's
    words."""
    if wanted.plain_http not in ("", PLAIN_HTTP):
        problems.add("balancer.plain_http", f"is either left out or {PLAIN_HTTP!r}")
    elif wanted.plain_http and wanted.certificate_arn:
        problems.add("balancer.plain_http", "contradicts certificate_arn: remove one of them")
    elif not (wanted.plain_http or wanted.certificate_arn):
        problems.add(
            "balancer.certificate_arn",
            "is empty, so users' tokens and operators' passwords would cross the internet "
            "unencrypted. Set it to a certificate's ARN from AWS Certificate Manager (or give "
            f"--certificate ARN). To try it out without one, say plain_http = {PLAIN_HTTP!r}",
        )


def judge_secrets(spec: Spec, problems: Problems) -> None:
    if spec.firewall.style not in ("roles", "default"):
        problems.add("firewall.style", f"{spec.firewall.style!r} is neither roles nor default")
    for i, secret in enumerate(spec.secrets):
        if not 32 <= secret.length <= 128:
            problems.add(f"secrets[{i}].length", f"must be 32 to 128, is {secret.length}")
