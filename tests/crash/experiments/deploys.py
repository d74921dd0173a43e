"""Deployments under load, host after host as deploy.yml does it, behind a load balancer (haproxy):
removed from it, SIGTERM, restarted, added again. No user gets an error, and no told claim is
lost."""

import secrets
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.crash import reading
from tests.crash.experiments import crowds
from tests.crash.experiments.adding import sum_runs
from tests.crash.experiments.crowds import Manner
from tests.crash.history import OK
from tests.crash.opening import Run, open_campaign, record_verdicts
from tests.crash.programs import WEBS, WORKERS, draining_file, is_answering
from tests.crash.stage import Stage
from tests.harness import servers

_PER_S = 100  # users
_LONGEST_S = 60  # average duration of a deployment for which there are users enough
_ALONE_S = 1.0  # users must still be coming so shortly before the end
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


def play_rounds(stage: Stage, rounds: int) -> dict[str, Any]:
    return _play_deploys(stage, rounds, drained=True)


def play_undrained(stage: Stage, rounds: int) -> dict[str, Any]:
    """The negative control: hosts are stopped while the balancer sends to them; errors are
    detected."""
    return _play_deploys(stage, rounds, drained=False)


def _play_deploys(stage: Stage, rounds: int, *, drained: bool) -> dict[str, Any]:
    slug, people, run = f"deploys-{secrets.token_hex(2)}", rounds * _LONGEST_S * _PER_S, Run(0)
    campaign, ended = open_campaign(slug, people), list[float]()
    wanting = [(f"person-{number}", 1) for number in range(people)]

    def deploy() -> None:
        time.sleep(2)
        ended.append(time.monotonic())
        for number in range(rounds):
            for web, worker in zip(WEBS, WORKERS, strict=True):
                _renew_host(stage, web, worker, drained=drained)
            ended.append(time.monotonic())
            print(f"{number + 1}: {ended[-1] - ended[-2]:.1f} s", flush=True)

    with _running_balancer(stage) as port:
        orders = crowds.make_orders(stage, slug, wanting, Manner(per_s=_PER_S), ports=(port,))
        asks = crowds.run_crowds(stage, orders, meanwhile=deploy)
    began = time.monotonic()
    reading.await_settled(stage, slug, patience_s=60)
    run.settled_after_s = time.monotonic() - began
    record_verdicts(
        run, asks, reading.read_findings(stage, slug, campaign.pk, stock=people, sampled=[])
    )
    errors = Counter(ask.reply.outcome for ask in asks if ask.reply.kind != OK)
    alone_s = max(0.0, ended[-1] - max(ask.invoked for ask in asks) - _ALONE_S)
    return {
        "deployments": rounds, **sum_runs([run]), "errors": dict(errors),
        "lasted_s": round(ended[-1] - ended[0]), "without_a_crowd_s": round(alone_s, 1),
        "broken": sum(map(len, run.wrongs.values())) + errors.total() + bool(alone_s),
    }  # fmt: skip


def _renew_host(stage: Stage, web: str, worker: str, *, drained: bool) -> None:
    """Restart the programs of one host while it is removed from the balancer."""
    flag = draining_file(stage.folder, web)
    if drained:
        flag.touch()
        time.sleep(_NOTICED_S)
    stage.cast.renew(web, worker)
    flag.unlink(missing_ok=True)
    time.sleep(3 * _CHECK_S * _RISE)


@contextmanager
def _running_balancer(stage: Stage) -> Iterator[int]:
    """Yields its port. It sends to hosts whose /readyz succeeds and never retries a request."""
    port, file = servers.free_port(), stage.folder / "balancer.cfg"
    hosts = (f"  server {name} 127.0.0.1:{host.users} check port {host.operators}"
             for name, host in zip(WEBS, stage.hosts, strict=True))  # fmt: skip
    file.write_text(_SETTINGS.format(port=port, check_ms=round(_CHECK_S * 1e3), fall=_FALL,
                                     rise=_RISE, hosts="\n".join(hosts)))  # fmt: skip
    log: Path = stage.folder / "balancer.log"
    command = ["haproxy", "-db", "-f", str(file)]
    with servers.start_process(command, ready=lambda: is_answering(port, "/livez"), log=log):
        yield port
