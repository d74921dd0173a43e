"""The figures and their limits. Pure: no server, no Django."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number. `details`: numbers that explain it; `samples`: the raw values."""

    name: str
    value: float
    details: dict[str, float] = field(default_factory=dict)
    samples: dict[str, list[float]] = field(default_factory=dict)


class Verdict(StrEnum):
    MISSED = "missed"
    MUST = "must"
    AIM = "aim"
    NONE = ""  # a figure without a goal


@dataclass(frozen=True, slots=True)
class Goal:
    """`must`: the limit; `aim`: the target. `lower`: smaller values are better."""

    must: float
    aim: float
    lower: bool = True

    def judge_value(self, value: float) -> Verdict:
        if self._reaches(value, self.aim):
            return Verdict.AIM
        return Verdict.MUST if self._reaches(value, self.must) else Verdict.MISSED

    def _reaches(self, value: float, mark: float) -> bool:
        return value <= mark if self.lower else value >= mark


GOALS = {
    "admission_cpu_ratio": Goal(1.5, 1.0),
    "sold_out_cpu_ratio": Goal(0.8, 0.5),
    "rps_ratio": Goal(0.6, 0.9, lower=False),
    "watchers_core_share": Goal(0.05, 0.02),  # of one core, by ten thousand watchers
    "scrape_cost": Goal(0.02, 0.002),
    "token_rs256": Goal(1.3, 1.15),
    "token_es256": Goal(1.3, 1.1),
    "claim_rs256_ratio": Goal(1.25, 1.15),  # the signature alone: 1.16, see FIGURES.md
    "claim_es256_ratio": Goal(1.45, 1.3),  # the signature alone: 1.34
    "cross_origin_us": Goal(3, 1),
    "front_cost": Goal(0.15, 0.05),  # a hop by itself: see front_rules_cost, and DECISIONS
    "front_rules_cost": Goal(0.05, 0.03),
    "drain_ratio": Goal(0.4, 0.7, lower=False),
    "redeem_ratio": Goal(0.5, 0.7, lower=False),
    "redeem_ms": Goal(25, 15),  # p99 at 200 a second
    "quote_ms": Goal(10, 5),  # p99 at 200 a second
    "expire_million_s": Goal(120, 60),
    "opening_beside_redemptions": Goal(0.95, 0.98, lower=False),
    "claims_beside_sweep": Goal(1.05, 1.01),
    "drained_after_s": Goal(1.0, 0.3),
    "bytes_per_claimant": Goal(100, 64),
    "admission_growth": Goal(1.2, 1.05),
    "bytes_per_claimant_valkey": Goal(100, 64),
    "admission_growth_valkey": Goal(1.2, 1.05),
    "campaigns_growth": Goal(1.2, 1.05),
}


def judge_figure(figure: Figure) -> Verdict:
    goal = GOALS.get(figure.name)
    return goal.judge_value(figure.value) if goal else Verdict.NONE


def missed_goals(figures: Iterable[Figure]) -> list[str]:
    """The names of the figures that miss their limit."""
    return [figure.name for figure in figures if judge_figure(figure) is Verdict.MISSED]
