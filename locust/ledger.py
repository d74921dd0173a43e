"""All answers of a run in one list: each load process has its own, the master collects all."""

import time
from dataclasses import astuple
from typing import Any

from answers import ClaimAnswer

_ANSWERS, _CPU = "answers", "cpu_s"  # in the reports that workers send to the master


class Ledger:
    """Also the load generator's CPU time, which it takes from servers on the same machine."""

    def __init__(self) -> None:
        self.answers: list[ClaimAnswer] = []
        self._others_cpu_s, self._since = 0.0, time.process_time()

    @property
    def cpu_s(self) -> float:
        return self._others_cpu_s + time.process_time() - self._since

    def start_clock(self) -> None:
        self._others_cpu_s, self._since = 0.0, time.process_time()

    def add_answer(self, answer: ClaimAnswer) -> None:
        self.answers.append(answer)

    def hand_over(self, report: dict[str, Any]) -> None:
        """Worker: move the new answers into the report."""
        report[_ANSWERS], report[_CPU] = [astuple(one) for one in self.answers], self.cpu_s
        self.answers.clear()
        self.start_clock()

    def take_report(self, report: dict[str, Any]) -> None:
        """Master: add the answers of a worker's report."""
        self.answers += (ClaimAnswer(*fields) for fields in report.pop(_ANSWERS, ()))
        self._others_cpu_s += report.pop(_CPU, 0.0)
