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
    "admission_cpu_ratio": Goal(1.0, 0.85),
    "admission_shared_ratio": Goal(1.3, 1.0),  # aims that are not reached yet: see FIGURES.md
    "sold_out_cpu_ratio": Goal(0.45, 0.35),
    "sold_out_shared_ratio": Goal(0.5, 0.45),
    "not_open_cpu_ratio": Goal(0.45, 0.35),
    "not_open_shared_ratio": Goal(0.5, 0.45),
    "claims_beside_early": Goal(1.5, 1.2),  # p99, nine times as many beside
    "claims_beside_late": Goal(1.5, 1.2),
    "opening_in_a_storm": Goal(1.2, 1.0),
    "rps_ratio": Goal(0.7, 1.0, lower=False),
    "claims_over_thin_wsgi": Goal(0.4, 0.65, lower=False),
    "watchers_core_share": Goal(0.05, 0.02),  # of one core, by ten thousand watchers
    "scrape_cost": Goal(0.02, 0.002),
    "token_rs256": Goal(1.3, 1.15),
    "token_es256": Goal(1.3, 1.1),
    "claim_rs256_ratio": Goal(1.4, 1.15),  # the signature alone: 1.25, see FIGURES.md
    "claim_es256_ratio": Goal(1.75, 1.3),  # the signature alone: 1.61
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
    "claims_beside_rehearsal": Goal(1.05, 1.01),
    "drained_after_s": Goal(1.0, 0.3),
    "bytes_per_claimant": Goal(100, 64),
    "admission_growth": Goal(1.2, 1.05),
    "bytes_per_claimant_valkey": Goal(100, 64),
    "admission_growth_valkey": Goal(1.2, 1.05),
    "campaigns_growth": Goal(1.2, 1.05),
    "first_202_s": Goal(0.7, 0.6),
    "web_rss_mb": Goal(110, 80),  # 80 is out of reach with Celery and DRF: see DECISIONS
}


def judge_figure(figure: Figure) -> Verdict:
    goal = GOALS.get(figure.name)
    return goal.judge_value(figure.value) if goal else Verdict.NONE


def missed_goals(figures: Iterable[Figure]) -> list[str]:
    """The names of the figures that miss their limit."""
    return [figure.name for figure in figures if judge_figure(figure) is Verdict.MISSED]
