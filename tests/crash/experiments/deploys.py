"""Deployments under load, host after host as deploy.yml does it, behind a balancer (haproxy): out
of it, asked to end, started again, back. Nobody sees an error, and nothing told is lost."""

import secrets
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests import servers
from tests.crash import reading
from tests.crash.experiments import crowds
from tests.crash.experiments.adding import added
from tests.crash.experiments.crowds import Manner
from tests.crash.history import OK
from tests.crash.opening import Run, judge, opened
from tests.crash.programs import WEBS, WORKERS, answers, draining_file
from tests.crash.stage import Stage

_PER_S = 100  # people
_LONGEST_S = 30  # of one deployment, on average
_CHECK_S, _FALL, _RISE = 0.2, 2, 2
_NOTICED_S = 3 * _CHECK_S * _FALL
_SETTINGS = """
defaults
  mode http
  timeout connect 2s
  timeout check 2s
  timeout client 60s
  timeout server 60s
  retries 0
frontend people
  bind 127.0.0.1:{port}
  default_backend web
backend web
  balance roundrobin
  option httpchk GET /readyz
  default-server inter {check_ms} fall {fall} rise {rise}
{hosts}
"""


def play(stage: Stage, rounds: int) -> dict[str, Any]:
    slug, people, run = f"deploys-{secrets.token_hex(2)}", rounds * _LONGEST_S * _PER_S, Run(0)
    campaign, lasted = opened(slug, people), list[float]()
    wanting = [(f"person-{number}", 1) for number in range(people)]

    def deploy() -> None:
        time.sleep(2)
        for number in range(rounds):
            began = time.monotonic()
            for web, worker in zip(WEBS, WORKERS, strict=True):
                _renew(stage, web, worker)
            lasted.append(time.monotonic() - began)
            print(f"{number + 1}: {lasted[-1]:.1f} s", flush=True)

    with _balancer(stage) as port:
        manner = Manner(per_s=_PER_S)
        orders = crowds.orders(stage, slug, wanting, manner, ports=(port,))
        asks = crowds.heard(stage, orders, meanwhile=deploy)
    began = time.monotonic()
    reading.settle(stage, slug, patience_s=60)
    run.settled_after_s = time.monotonic() - began
    judge(run, asks, reading.found(stage, slug, campaign.pk, stock=people, sampled=[]))
    errors = Counter(ask.heard.outcome for ask in asks if ask.heard.kind != OK)
    return {
        "deployments": len(lasted), **added([run]), "errors": dict(errors),
        "longest_deployment_s": round(max(lasted), 1),
        "broken": sum(map(len, run.wrongs.values())) + errors.total(),
    }  # fmt: skip


def _renew(stage: Stage, web: str, worker: str) -> None:
    """One host's programs end and begin again; the host is out of the balancer meanwhile."""
    flag = draining_file(stage.folder, web)
    flag.touch()
    time.sleep(_NOTICED_S)
    stage.cast.renew(web, worker)
    flag.unlink()
    time.sleep(3 * _CHECK_S * _RISE)


@contextmanager
def _balancer(stage: Stage) -> Iterator[int]:
    """Its port. It sends to hosts that say they are ready, and never tries a request again."""
    port, file = servers.free_port(), stage.folder / "balancer.cfg"
    hosts = (f"  server {name} 127.0.0.1:{at} check"
             for name, at in zip(WEBS, stage.web_ports, strict=True))  # fmt: skip
    file.write_text(_SETTINGS.format(port=port, check_ms=round(_CHECK_S * 1e3), fall=_FALL,
                                     rise=_RISE, hosts="\n".join(hosts)))  # fmt: skip
    log: Path = stage.folder / "balancer.log"
    command = ["haproxy", "-db", "-f", str(file)]
    with servers.process(command, ready=lambda: answers(port, "/livez"), log=log):
        yield port
