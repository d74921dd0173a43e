"""Contents of Ansible's inventory and of ssh.cfg, from what was found. Pure: makes no calls."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provisioning.blueprint.load_balancer import IDLE_ATTRIBUTE, merchants_group
from provisioning.blueprint.secrets import DATABASE, auth_token, every_secret
from provisioning.discovery import Snapshot
from provisioning.errors import ProvisioningError
from provisioning.model import Found, Key
from provisioning.quoting import ansible_words, ssh_word
from provisioning.resources.keypair import key_file
from provisioning.spec.model import Balancer, Spec

USER = "ubuntu"  # the user of Canonical's images


@dataclass(frozen=True, kw_only=True)
class Host:
    name: str
    role: str
    private: str
    public: str
    zone: str
    id: str
    has_profile: bool  # and so credentials


def hosts_of(found: Snapshot) -> tuple[Host, ...]:
    """Every running host, by name."""
    return tuple(
        Host(
            name=host.name,
            role=host.shows["role"],
            private=host.shows["private_ip"],
            public=host.shows["public_ip"],
            zone=host.shows["zone"],
            id=host.id,
            has_profile=bool(host.props["profile"]),
        )
        for host in sorted(found.values(), key=lambda host: host.key)
        if host.kind == "host"
    )


def bastion_of(hosts: Iterable[Host]) -> Host:
    for host in hosts:
        if host.role == "bastion":
            return host
    raise ProvisioningError("There is no bastion.", todo="Apply first, then ask again.")


def demand_way_in(hosts: Iterable[Host]) -> None:
    """Raises ProvisioningError while the bastion can't be reached from outside."""
    bastion = bastion_of(hosts)
    if not bastion.public:
        raise ProvisioningError(
            f"{bastion.name} has no public address: it is stopped.",
            todo="Run wake if the environment is asleep, else apply.",
        )


def inventory_document(spec: Spec, found: Snapshot, folder: Path) -> dict[str, Any]:
    """Ansible's inventory. It names secrets by their SSM path and never contains one."""
    hosts = hosts_of(found)
    roles = dict.fromkeys(host.role for host in hosts)
    return {
        "all": {
            "vars": {
                "ansible_user": USER,
                "ansible_ssh_common_args": ansible_words("-F", folder / "ssh.cfg"),
                "coupon_environment": spec.environment.name,
                "coupon_project": spec.environment.project,
                "aws_region": spec.environment.region,
                **_stores(spec, found),
                **_load_balancer(spec, found),
                "coupon_secrets": _secret_paths(spec),
            },
            "children": {
                role: {"hosts": {h.name: _host_vars(h) for h in hosts if h.role == role}}
                for role in roles
            },
        }
    }


def _host_vars(host: Host) -> dict[str, str | bool]:
    """Every host is reached by its private address; only the bastion is reached from outside, by a
    name that no other environment has: Ansible finds its open connections by it."""
    return {
        "ansible_host": host.name if host.role == "bastion" else host.private,
        "private_ip": host.private,
        "public_ip": host.public,
        "availability_zone": host.zone,
        "instance_id": host.id,
        "instance_profile": host.has_profile,
    }


def _stores(spec: Spec, found: Snapshot) -> dict[str, Any]:
    """redis_decisions_* and redis_broker_* (which may be the same cache), mysql_*."""
    variables: dict[str, Any] = {}
    for cache in spec.caches:
        resource = _require(
            found, "cache-group" if cache.managed_group else "cache-node", cache.name
        )
        secret = f"{spec.path}/secrets/{auth_token(cache)}" if cache.encrypted else ""
        for purpose in cache.purpose:
            variables[f"redis_{purpose}_host"] = resource.shows["host"]
            variables[f"redis_{purpose}_port"] = resource.shows["port"] or cache.port
            variables[f"redis_{purpose}_tls"] = resource.shows["tls"]
            variables[f"redis_{purpose}_users"] = resource.shows.get("users", False)
            variables[f"redis_{purpose}_replicas"] = resource.props.get("members", 1) - 1
            variables[f"redis_{purpose}_password_parameter"] = secret
    database = _require(found, "database", spec.database.name)
    return {
        **variables,
        "mysql_host": database.shows["host"],
        "mysql_port": database.shows["port"] or spec.database.port,
        "mysql_database": spec.database.schema,
        "mysql_admin_user": spec.database.user,
        "mysql_admin_password_parameter": f"{spec.path}/secrets/{DATABASE}",
        "mysql_tls": spec.database.require_tls,
    }


def _load_balancer(spec: Spec, found: Snapshot) -> dict[str, Any]:
    """load_balancer_*: its address, the names that users call it by (its own, if the spec has
    none), whether TLS ends at it, its idle timeout in seconds; plain_http: as in the spec."""
    if spec.balancer is None:
        return {}
    balancer = _require(found, "balancer", spec.balancer.name)
    target = _require(found, "target-group", f"{spec.balancer.name}-api")
    return {
        "load_balancer_host": balancer.shows["host"],
        "load_balancer_names": list(spec.balancer.hostnames) or [balancer.shows["host"]],
        "load_balancer_tls": bool(spec.balancer.certificate_arn),
        "load_balancer_idle_s": int(balancer.props["attributes"][IDLE_ATTRIBUTE]),
        "plain_http": spec.balancer.plain_http,
        "target_group_arn": target.id,
        **_merchants_group(spec.balancer, found),
    }


def _merchants_group(wanted: Balancer, found: Snapshot) -> dict[str, str]:
    """The target group of the merchants' doors, if shops' backends call through the balancer."""
    if not wanted.merchants_port:
        return {}
    return {
        "merchants_target_group_arn": _require(found, "target-group", merchants_group(wanted)).id
    }


def _secret_paths(spec: Spec) -> dict[str, str]:
    names = [secret.name for secret in every_secret(spec)]
    return {name.replace("-", "_"): f"{spec.path}/secrets/{name}" for name in names}


def _require(found: Snapshot, kind: str, name: str) -> Found:
    try:
        return found[Key(kind, name)]
    except KeyError:
        raise ProvisioningError(
            f"The {kind} {name} isn't there yet.", todo="Apply first, then ask again."
        ) from None


def ssh_config(spec: Spec, found: Snapshot, folder: Path, *, bastion_address: str = "") -> str:
    """For `ssh -F` and Ansible: private hosts only through the bastion, host keys pinned.

    Both hops read this file, so both have the key and the known hosts; with only
    `-o ProxyJump` the first hop would have neither.
    """
    hosts = hosts_of(found)
    bastion = bastion_of(hosts)
    inner = [host for host in hosts if host.role != "bastion"]
    blocks = [
        _block(
            ["bastion", bastion.name],
            HostName=bastion_address or bastion.public,
            HostKeyAlias=bastion.name,
        ),
        *(
            _block(
                [h.name, h.private], HostName=h.private, HostKeyAlias=h.name, ProxyJump="bastion"
            )
            for h in inner
        ),
        _block(
            ["*"],
            User=USER,
            IdentityFile=ssh_word(key_file(spec.key.name)),
            IdentitiesOnly="yes",
            UserKnownHostsFile=ssh_word(folder / "known_hosts"),
            StrictHostKeyChecking="yes",
            ForwardAgent="no",
            ServerAliveInterval="15",
            ConnectTimeout="10",
        ),
    ]
    return "\n".join(blocks)


def _block(patterns: list[str], **settings: str) -> str:
    lines = [f"Host {' '.join(patterns)}", *(f"  {k} {v}" for k, v in settings.items())]
    return "\n".join(lines) + "\n"


def dynamic_inventory(spec: Spec) -> dict[str, Any]:
    """The configuration of Ansible's amazon.aws.aws_ec2 plugin: the same hosts, queried live."""
    scope = {"Project": spec.environment.project, "Environment": spec.environment.name}
    return {
        "plugin": "amazon.aws.aws_ec2",
        "regions": [spec.environment.region],
        "filters": {
            **{f"tag:{key}": value for key, value in scope.items()},
            "instance-state-name": "running",
        },
        "hostnames": ["tag:Name"],
        "keyed_groups": [{"key": "tags.Role", "prefix": "", "separator": ""}],
        "compose": {
            "ansible_host": "tags.Name if tags.Role == 'bastion' else private_ip_address",
            "private_ip": "private_ip_address",
            "instance_id": "instance_id",
        },
    }
