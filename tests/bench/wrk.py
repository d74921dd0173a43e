"""Load by `wrk` that never claims twice for the same user."""

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

THREADS, CONNECTIONS = 2, 64
_SCRIPT = Path(__file__).parent / "claims.lua"


class TooFewTokens(RuntimeError):
    """The server answered more claims than there were tokens."""


@dataclass(frozen=True, slots=True)
class WrkResult:
    """The counts of a run of wrk."""

    requests: int
    seconds: float
    mean_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


def write_tokens(file: Path, tokens: Iterable[str]) -> None:
    file.write_text("".join(f"{token}\n" for token in tokens))


def run_wrk(url: str, path: str, *, tokens: Path, seconds: int, again: bool = False) -> WrkResult:
    """Raises RuntimeError if a response is not a success, and TooFewTokens if the tokens run out
    and may not be used `again`."""
    done = subprocess.run(
        [
            "wrk", "--threads", str(THREADS), "--connections", str(CONNECTIONS),
            "--duration", f"{seconds}s", "--timeout", "5s", "--script", str(_SCRIPT), url,
            "--", path, str(tokens), str(THREADS), "again" if again else "once",
        ],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return parse_result(done.stdout.strip().splitlines()[-1])


def parse_result(line: str) -> WrkResult:
    """Parse the line that `claims.lua` prints at the end. Raises as `run_wrk`."""
    requests, duration, refused, broken, mean, p99, ran_out = map(float, line.split())
    if refused or broken:
        raise RuntimeError(f"wrk: {refused:.0f} refused, {broken:.0f} connections broken")
    if ran_out:
        raise TooFewTokens(f"Only {requests:.0f} answered before the time had passed.")
    return WrkResult(int(requests), duration / 1e6, mean / 1e3, p99 / 1e3)
