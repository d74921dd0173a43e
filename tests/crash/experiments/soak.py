"""Sale after sale for hours at half load: memory must not grow and descriptors must not leak."""

import os
import time
from collections import defaultdict
from pathlib import Path
from threading import Event, Thread
from typing import Any

from tests.crash.actors import Actor
from tests.crash.experiments.adding import sum_runs
from tests.crash.opening import Run, Sale, play_sale
from tests.crash.programs import WEBS, WORKERS
from tests.crash.scene import Scene
from tests.crash.stage import Stage

PER_S = float(os.environ.get("SOAK_PER_S", "150"))  # users a second
_SALE_S = 55.0
_SAMPLE_S = 10.0
_WARM_UP = 0.2  # share of the time
_MOST_GROWTH = 0.05
# A worker's child is replaced after a thousand tasks, and the new one inherits descriptors that its
# parent has opened meanwhile: once per child. A leak would continue.
_MOST_DESCRIPTORS = 0.3
_PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024

Sample = tuple[float, int, int]  # monotonic seconds, resident KiB, open descriptors


def play_rounds(stage: Stage, minutes: int) -> dict[str, Any]:
    samples: dict[str, list[Sample]] = defaultdict(list)
    over = Event()
    watching = Thread(target=_sample_until, args=(stage, samples, over), daemon=True)
    watching.start()
    runs: list[Run] = []
    until = time.monotonic() + minutes * 60
    while time.monotonic() < until:
        people = round(PER_S * _SALE_S)
        sale = Sale(len(runs), people, people, lasts_s=_SALE_S)
        runs.append(play_sale(stage, sale, _no_faults))
        print(f"{len(runs)}: told {runs[-1].told}, stored {runs[-1].stored}; "
              + "; ".join(f"{name} {each[-1][1] // 1024} MiB, {each[-1][2]} fds"
                          for name, each in samples.items()), flush=True)  # fmt: skip
    over.set()
    watching.join()
    figures = {name: _growth_of(each) for name, each in samples.items()}
    grown = sum(map(_has_grown, figures.values()))
    total = sum_runs(runs)
    return {"minutes": minutes, "people_per_s": PER_S, **total, "processes": figures,
            "broken": total["broken"] + grown}  # fmt: skip


def _no_faults(scene: Scene, run: Run) -> None:
    """No faults; wait until the sale is over."""


def _sample_until(stage: Stage, samples: dict[str, list[Sample]], over: Event) -> None:
    while not over.wait(_SAMPLE_S):
        for name in (*WEBS, *WORKERS, "beat"):
            sample = _sample_program(stage.cast[name])
            if sample is not None:
                samples[name].append(sample)


def _sample_program(actor: Actor) -> Sample | None:
    """The program and its children together; None if one has just ended."""
    pids = [actor.pid, *actor.children()]
    try:
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
        descriptors = sum(sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()) for pid in pids)
    except OSError:
        return None
    return time.monotonic(), pages * _PAGE_KIB, descriptors


def resident_mib(actor: Actor) -> float:
    """The program and its children together; 0 if one has just ended."""
    sample = _sample_program(actor)
    return sample[1] / 1024 if sample else 0.0


def _has_grown(figures: dict[str, float]) -> bool:
    return (
        figures["memory_growth"] > _MOST_GROWTH or figures["descriptors_growth"] > _MOST_DESCRIPTORS
    )


def _growth_of(samples: list[Sample]) -> dict[str, float]:
    """Growth between the means of the first tenth after warm-up and of the last tenth."""
    tenth = max(1, len(samples) // 10)
    first = round(len(samples) * _WARM_UP)
    early, late = samples[first : first + tenth], samples[-tenth:]
    was, now = (sum(each[1] for each in some) / len(some) for some in (early, late))
    return {
        "memory_mib": round(now / 1024, 1),
        "memory_growth": round(now / was - 1, 4),
        "descriptors": late[-1][2],
        "descriptors_growth": round(max(e[2] for e in late) / max(e[2] for e in early) - 1, 4),
    }
