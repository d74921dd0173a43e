"""Load of unauthenticated clients on the doors of an api host: as programs, and as faults of a
run."""

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass

from coupons.identity import user_tokens
from tests.crash.scene import Fault, Scene
from tests.crash.stage import ROOT

_MANY = 64  # on each door, as faults
_SPARE_S = 30.0  # for the start and end of the program on a busy machine


@dataclass(frozen=True, slots=True)
class Attack:
    """A kind of `tests.crash.attacks`, its port, and for claims the slug of the campaign."""

    kind: str
    port: int
    slug: str = ""


def start_attack(attack: Attack, many: int, lasts_s: float) -> subprocess.Popen[str]:
    """`many` at once for `lasts_s` seconds, as a program that ends by itself."""
    words = [attack.kind, str(attack.port), str(many), str(lasts_s), *filter(None, [attack.slug])]
    tokens = [user_tokens.mint_token(f"stranger-{n}", lifetime_s=900) for n in range(many)]
    env = os.environ | {"TOKEN": tokens[0], "TOKENS": " ".join(tokens)}
    return subprocess.Popen([sys.executable, "-m", "tests.crash.attacks", *words], cwd=ROOT,
                            env=env, text=True, stdout=subprocess.PIPE,
                            preexec_fn=_yield_first_core)  # fmt: skip


def _yield_first_core() -> None:
    """As on another machine: not on the first core, and with low priority."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    os.nice(10)


def attack_statuses(running: subprocess.Popen[str]) -> Counter[str]:
    """Wait for its end. Returns the number of answers by status."""
    lasts_s = float(list(running.args)[6])  # type: ignore[arg-type]
    output, _ = running.communicate(timeout=lasts_s + _SPARE_S)
    return Counter(json.loads(output))


def slow_bodies(scene: Scene, fault: Fault) -> None:
    """Slow bodies of claims and logins, on both doors of a host."""
    _attack_host(scene, fault, "slow_bodies", scene.slug)


def login_flood(scene: Scene, fault: Fault) -> None:
    """Invented names and passwords, on both doors of a host."""
    _attack_host(scene, fault, "logins")


def readyz_flood(scene: Scene, fault: Fault) -> None:
    """Requests of /readyz, on both doors of a host."""
    _attack_host(scene, fault, "readyz")


def _attack_host(scene: Scene, fault: Fault, kind: str, slug: str = "") -> None:
    host = scene.stage.hosts[fault.which % len(scene.stage.hosts)]
    attacks = Attack(kind, host.users, slug), Attack(kind, host.operators)
    for running in [start_attack(attack, _MANY, fault.lasts_s) for attack in attacks]:
        if not attack_statuses(running).total():
            raise OSError(f"No answer to any request of {kind}.")
