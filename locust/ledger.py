"""Everything that people heard, in one list: each load process writes its own, the master has all."""

from dataclasses import astuple
from typing import Any

from answers import Heard

_KEY = "heard"  # in the reports that workers send to the master every few seconds


class Ledger:
    def __init__(self) -> None:
        self.heard: list[Heard] = []

    def add(self, heard: Heard) -> None:
        self.heard.append(heard)

    def hand_over(self, report: dict[str, Any]) -> None:
        """Worker: put what is new into the report, and forget it."""
        report[_KEY] = [astuple(one) for one in self.heard]
        self.heard.clear()

    def take(self, report: dict[str, Any]) -> None:
        """Master: add what a worker reports."""
        self.heard += (Heard(*said) for said in report.pop(_KEY, ()))
