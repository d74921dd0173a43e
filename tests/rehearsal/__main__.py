"""`python -m tests.rehearsal [--env NAME] [--short | --thorough] [--steps NAME,…]`: deploys
to systemd hosts on this machine.

Exit status 1 if a step fails, 2 if a rehearsal is impossible on this machine.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from coupons.claims.quantities import counted_noun
from coupons.management.arguments import SentenceParser, Several, output_file
from tests.rehearsal import (
    canary,
    deployment,
    exposure,
    leftovers,
    listening,
    machine,
    metadata,
    onhosts,
    onhosts_faults,
    onhosts_mutations,
    onhosts_releases,
    onhosts_rotation,
    onhosts_stores,
    onhosts_updates,
    onhosts_verbs,
    onnetwork,
    single,
)
from tests.rehearsal.cloud import ROOT
from tests.rehearsal.deployment import Deployment
from tests.rehearsal.record import Record, Wrong
from tests.rehearsal.together import run_together

Step = Callable[[Deployment, Record], None]
# In this order; the steps of a line run at the same time, since none disturbs another.
Plan = tuple[tuple[Step, ...], ...]
PLAN: Plan = (
    (onhosts.install,),
    (onhosts_updates.first_boot,),
    (
        onhosts.install_again, onhosts.first_coupon, onhosts.rush, onhosts.private_hosts,
        onhosts.service, onhosts.doors, listening.ports, onhosts.no_java,
        exposure.services, metadata.metadata,
        onhosts_stores.refused_by_stores,
    ),
    (onhosts_releases.release, onhosts_verbs.operate, onhosts_verbs.crowd),
    (
        onhosts_mutations.wrong_redis_port, onhosts_mutations.unit_without_restart,
        onhosts_mutations.secret_in_the_open, onhosts_verbs.figure,
    ),
    (onhosts_updates.unattended,),
    (onhosts_faults.kill_units,),
    (onhosts_faults.reboot,),
    (onhosts_faults.lose_a_consumer,),
)  # fmt: skip
# Added by --thorough: a minute more.
THOROUGH: Plan = (
    (onhosts_verbs.restarts, onhosts_verbs.look_first),
    (onhosts_rotation.rotate_tokens,),
    (onhosts_rotation.rotate_coupons,),
    (onhosts_rotation.rotate_django,),
    (onhosts_rotation.rotate_flower,),
    (onhosts_mutations.killed_halfway,),
    (onhosts_updates.patch,),
)
LAST: Plan = (
    (onhosts_releases.upgrade,),
    (onhosts.no_leaks, onhosts_verbs.nothing_told, canary.canary),
)
STEPS = {step.__name__: step for line in PLAN + THOROUGH + LAST for step in line}
# Steps that need more than one api host and one consumer.
BEYOND_HELLO = {
    onhosts_releases.release, onhosts_releases.upgrade, onhosts_verbs.restarts,
    onhosts_faults.lose_a_consumer, onhosts_rotation.rotate_tokens,
    onhosts_rotation.rotate_coupons, onhosts_rotation.rotate_django, onhosts_rotation.rotate_flower,
}  # fmt: skip


def main() -> int:
    options = parser().parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop_all)
    machine.install_missing(machine.FOR_THE_NETWORK)
    if why := machine.why_no_network():
        print(f"No rehearsal on this machine: {why}.", file=sys.stderr)
        return 2
    record = Record(options.env)
    try:
        leftovers.sweep_leftovers()
        leftovers.own_mounts()
        with leftovers.rehearsal_folder() as folder, leftovers.one_group():
            _play_rehearsal(options, folder, record)
    except (Wrong, RuntimeError) as error:
        print(f"The rehearsal failed: {error}", file=sys.stderr)
        return 1
    finally:
        record.write(options.output)
    steps = counted_noun(len(record.steps), "step")
    print(f"As they must be: {steps}; written to {options.output}.")
    return 0


def _play_rehearsal(options: argparse.Namespace, folder: Path, record: Record) -> None:
    if not options.short:
        deployment.prepare_caches(record)
    if options.env == "single":
        single.rehearse_single(folder, record)
        return
    with onnetwork.stage(options.env, folder, record) as here:
        onnetwork.table(here, record)
        mistakes = partial(onnetwork.mutate, here, record)
        before = [mistakes] if options.env == "production" else []
        if options.short:
            run_together(*before)
            return
        with deployment.start_deployment(here, record) as it:
            for number, line in enumerate(_planned_steps(options)):
                jobs = [partial(step, it, record) for step in line]
                run_together(*jobs, *(before if number == 0 else []))


def _planned_steps(options: argparse.Namespace) -> list[tuple[Step, ...]]:
    """The steps of --steps, in that order, one after another."""
    if options.steps:
        return [(STEPS[name],) for name in options.steps]
    spared = BEYOND_HELLO if options.env == "hello" else set()
    plan = PLAN + (THOROUGH if options.thorough else ()) + LAST
    lines = [tuple(step for step in line if step not in spared) for line in plan]
    return [line for line in lines if line]


def _stop_all(number: int, _: object) -> None:
    """Stop everything; further signals are ignored, so that nothing is left behind."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)


def parser() -> SentenceParser:
    whole = SentenceParser(prog="python -m tests.rehearsal", description=__doc__)
    whole.add_argument("--env", choices=["production", "hello", "single"], default="production")
    whole.add_argument("--short", action="store_true", help="the network only: half a minute")
    whole.add_argument(
        "--thorough", action="store_true",
        help="also --check, verbs that restart, an Ansible killed halfway: a minute more",
    )  # fmt: skip
    whole.add_argument(
        "--steps", type=Several(STEPS), default=[],
        help=f"some only, in this order: {','.join(STEPS)}",
    )  # fmt: skip
    whole.add_argument("--output", type=output_file, default=ROOT / "build" / "rehearsal.json")
    return whole


if __name__ == "__main__":
    sys.exit(main())
