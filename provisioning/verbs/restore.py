"""restore: builds the environment with its database made from a snapshot, and with the secrets that
were kept for it. Idempotent: a killed run is continued by the same command."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from provisioning.blueprint.secrets import DATABASE
from provisioning.client_errors import translated_errors
from provisioning.discovery import Snapshot, discover_resources
from provisioning.errors import ProvisioningError
from provisioning.kept_secrets import our_snapshots, return_secrets
from provisioning.lock import Lock, environment_lock
from provisioning.model import Key, Plan, Want
from provisioning.plan import demand_possible, make_plan
from provisioning.resources.database import RESTORED_FROM, set_password
from provisioning.run import Run
from provisioning.verbs.apply import act_on_plan, confirm_destruction
from provisioning.verbs.plan import plan_document, plan_summary, show_plan


def restore(run: Run, *, snapshot: str, at_once: int = 6) -> int:
    """Returns 0. Raises ProvisioningError if the snapshot can't become this environment's
    database."""
    _demand_fitting(run, snapshot)
    found = discover_resources(run.cloud)
    _demand_place(run, found, snapshot)
    planned = make_plan(_wants_from(run, snapshot), found)
    show_plan(run.show, Plan(planned.changes))
    demand_possible(planned)
    confirm_destruction(run, planned)
    with environment_lock(run.cloud) as lock:
        with translated_errors("Taking back the secrets"):
            return_secrets(run.cloud, snapshot)
        _act(run, _wants_from(run, snapshot), at_once=at_once, lock=lock)
        _act(run, run.wants, at_once=at_once, lock=lock)  # what a restore can't set
        with translated_errors("Setting the administrator's password"):
            secret = f"{run.cloud.scope.path}/secrets/{DATABASE}"
            set_password(run.cloud, run.spec.database.name, secret)
    run.show.answer({"done": plan_document(Plan(planned.changes)), "snapshot": snapshot})
    if planned.changes:
        run.show.say(
            f"Restored from {snapshot}. {plan_summary(planned)} Redis is empty: run the playbooks, "
            "then rebuild every campaign (provisioning/RESTORE.md)."
        )
    else:
        run.show.say(
            f"It was restored from {snapshot} before: the administrator's password was set again, "
            "nothing else. Campaigns that run are not to be rebuilt."
        )
    return 0


def _wants_from(run: Run, snapshot: str) -> tuple[Want, ...]:
    return tuple(
        replace(want, hidden={**want.hidden, "snapshot": snapshot})
        if want.kind == "database"
        else want
        for want in run.wants
    )


def _act(run: Run, wants: tuple[Want, ...], *, at_once: int, lock: Lock) -> None:
    found = discover_resources(run.cloud)
    planned = make_plan(wants, found)
    demand_possible(planned)
    act_on_plan(run, found, planned, at_once=at_once, lock=lock)


def _demand_fitting(run: Run, name: str) -> None:
    """The snapshot is ours, complete, and such that the spec's database can be made from it."""
    with translated_errors("Looking for the snapshot"):
        snapshots = our_snapshots(run.cloud)
    if name not in snapshots:
        known = ", ".join(sorted(snapshots)) or "none at all"
        raise ProvisioningError(
            f"This environment has no snapshot {name!r}.", todo=f"There are: {known}."
        )
    if misfits := list(_misfits(run, snapshots[name])):
        raise ProvisioningError(
            f"{name} doesn't fit the spec: {'; '.join(misfits)}.",
            todo="Change the spec; an upgrade or other sizes come after the restore.",
        )


def _misfits(run: Run, described: Any) -> list[str]:
    wanted = run.spec.database
    version = f"{described['EngineVersion']}."
    checks = {
        f"it is {described['Status']}": described["Status"] == "available",
        f"its engine is {described['Engine']}": described["Engine"] == "mysql",
        f"its MySQL is {described['EngineVersion']}, not {wanted.version}": version.startswith(
            f"{wanted.version}."
        ),
        f"its administrator is {described['MasterUsername']}, not {wanted.user}": described[
            "MasterUsername"
        ]
        == wanted.user,
        f"its encryption is {described['Encrypted']}": described["Encrypted"] == wanted.encrypted,
        f"it has {described['AllocatedStorage']} GB, storage_gb is {wanted.storage_gb}": described[
            "AllocatedStorage"
        ]
        <= wanted.storage_gb,
    }
    return [said for said, good in checks.items() if not good]


def _demand_place(run: Run, found: Snapshot, snapshot: str) -> None:
    """There is no database yet, or the one that an interrupted restore has made."""
    database = found.get(Key("database", run.spec.database.name))
    if database and database.more[RESTORED_FROM] != snapshot:
        raise ProvisioningError(
            f"{database.key} exists, and was not made from {snapshot}.",
            todo="Destroy the environment first; its own last snapshot is kept.",
        )
