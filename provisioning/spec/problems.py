"""Problems of a spec: collected, and reported all at once."""

from __future__ import annotations

from dataclasses import dataclass, field

from provisioning.errors import SpecRejected
from provisioning.quantities import counted_noun
from provisioning.spec.lines import line_of


@dataclass(frozen=True)
class Problem:
    path: str
    message: str
    line: int


@dataclass
class Problems:
    """All problems of one file."""

    file: str
    lines: dict[str, int] = field(default_factory=dict)
    found: list[Problem] = field(default_factory=list)

    def add(self, path: str, message: str) -> None:
        self.found.append(Problem(path, message, line_of(self.lines, path)))

    def stop_if_any(self) -> None:
        """Raises SpecRejected with every problem, in the order of the file."""
        if not self.found:
            return
        ordered = sorted(self.found, key=lambda problem: problem.line)
        report = "\n".join(f"{self.file}:{p.line}: {p.path}: {p.message}" for p in ordered)
        problems = counted_noun(len(ordered), "problem")
        raise SpecRejected(f"{problems} in the spec, nothing was asked of AWS:\n{report}")
