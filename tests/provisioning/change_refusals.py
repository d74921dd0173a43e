"""What EC2 and RDS refuse of a change: a wrong order, a way back, what was not made for it."""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.rds.exceptions import RDSClientError
from moto.rds.models import DBInstance, RDSBackend

WITHOUT_INSIGHTS = (".micro", ".small")
LEAST_GROWTH = 1.1  # AWS rounds a smaller growth of a disk up to it


def install_change_refusals() -> None:
    _check_first(EC2Backend, "modify_instance_attribute", _demand_stopped)
    _check_first(EC2Backend, "modify_volume", _demand_growth)
    _check_first(EC2Backend, "attach_internet_gateway", _demand_no_gateway)
    _check_first(RDSBackend, "modify_db_instance", _demand_possible)
    DBInstance.db_parameter_group_status_list = property(  # type: ignore[method-assign,assignment]
        _parameter_status
    )


def _check_first(owner: Any, name: str, check: Any) -> None:
    real = getattr(owner, name)

    def checked_call(self: Any, *args: Any, **named: Any) -> Any:
        check(self, *args, **named)
        return real(self, *args, **named)

    setattr(owner, name, checked_call)


def _demand_stopped(backend: Any, instance_id: str, key: str, value: Any) -> None:
    """The size changes while it is stopped, and to one of the image's architecture."""
    if key != "instance_type":
        return
    host = backend.get_instance(instance_id)
    if host.state != "stopped":
        raise EC2ClientError("IncorrectInstanceState", f"{instance_id} is not 'stopped'.")
    if not _architectures(host.instance_type) & _architectures(value):
        raise EC2ClientError("InvalidParameterValue", f"{value} is not of the AMI's architecture.")


def _architectures(type: str) -> set[str]:
    return set(INSTANCE_TYPES[type]["ProcessorInfo"]["SupportedArchitectures"])


def _demand_growth(backend: Any, volume_id: str, target_size: Any, *_: Any) -> None:
    if target_size and int(target_size) < backend.get_volume(volume_id).size:
        raise EC2ClientError("InvalidParameterValue", "New size cannot be smaller than existing.")


def _demand_no_gateway(backend: Any, internet_gateway_id: str, vpc_id: str) -> None:
    for other in backend.internet_gateways.values():
        if other.vpc and other.vpc.id == vpc_id:
            raise EC2ClientError(
                "Resource.AlreadyAssociated", f"{vpc_id} has {other.id} attached already."
            )


def _demand_possible(backend: Any, db_instance_identifier: str, db_kwargs: Any) -> None:
    database = backend.databases[db_instance_identifier]
    _demand_disk(database, db_kwargs)
    _keep_out_of_force(database, db_kwargs)
    _demand_version(backend, database, db_kwargs)
    size = db_kwargs.get("db_instance_class") or database.db_instance_class
    insights = db_kwargs.get("enable_performance_insights")
    kept = (
        getattr(database, "performance_insights_enabled", False) if insights is None else insights
    )
    if kept and size.endswith(WITHOUT_INSIGHTS):
        _refuse(f"Performance Insights is not supported for {size}.")


def _keep_out_of_force(database: Any, asked: Any) -> None:
    """Another parameter group is in force after a restart, which an upgrade includes."""
    group = asked.get("db_parameter_group_name")
    if group not in (None, database.db_parameter_group_name):
        database.pending_reboot = not asked.get("engine_version")


def _parameter_status(database: Any) -> Any:
    groups = database.db_parameter_groups()
    pending = getattr(database, "pending_reboot", False)
    for group in groups:
        group.ParameterApplyStatus = "pending-reboot" if pending else "in-sync"
    return groups


def _demand_disk(database: Any, asked: Any) -> None:
    there, size = int(database.allocated_storage), asked.get("allocated_storage")
    if size is None:
        return
    if int(size) < there:
        _refuse(f"Requested storage size ({size}) cannot be less than {there}.")
    if there < int(size) < there * LEAST_GROWTH:
        asked["allocated_storage"] = int(there * LEAST_GROWTH + 0.999)


def _demand_version(backend: Any, database: Any, asked: Any) -> None:
    there = database.engine_version
    version = asked.get("engine_version") or there
    if _order(version) < _order(there)[: version.count(".") + 1]:
        _refuse(f"Cannot find upgrade path from {there} to {version}.")
    if _major(version) != _major(there) and not asked.get("allow_major_version_upgrade"):
        _refuse("The AllowMajorVersionUpgrade flag must be present when upgrading.")
    group = asked.get("db_parameter_group_name") or database.db_parameter_group_name
    if group and group in backend.db_parameter_groups:  # moto gives a restored database none
        family = f"mysql{_major(version)}"
        if backend.db_parameter_groups[group].family != family:
            _refuse(f"{group} can't be used: it is not of the family {family}.")


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _major(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _refuse(why: str) -> None:
    raise RDSClientError("InvalidParameterCombination", why)
