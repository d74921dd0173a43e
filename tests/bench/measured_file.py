"""Writes `coupons/monitoring/measured.json`: a run's measurements for capacity planning.

Each number has a digest of the code that it measures, so that a test reports the numbers that are
older than a change. The digest is of Python's syntax tree without docstrings and of Lua without
comments, since these do not change the speed. It is the same on every version of Python.
"""

import ast
import json
import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from coupons.claims.quantities import counted_noun
from coupons.monitoring import capacity
from tests.bench.figures import Figure

ROOT = Path(__file__).resolve().parents[2]
_DECIDING = ("coupons/store/lua/admit.lua", "coupons/store/admission.py")
_CLAIM = (
    *_DECIDING, "coupons/admission/queued.py", "coupons/admission/recent.py",
    "coupons/admission/refusal_cache.py", "coupons/admission/strategies.py", "coupons/api/auth.py",
    "coupons/api/base_view.py", "coupons/api/v1/views.py", "coupons/campaigns/lookup.py",
    "coupons/identity", "coupons/store/client.py", "coupons/store/connection.py",
    "coupons/store/group_commit.py", "config/middleware.py", "config/request_context.py",
)  # fmt: skip
_STORING = (
    "coupons/issuing/drain.py", "coupons/issuing/queue.py", "coupons/issuing/writer.py",
    "coupons/store/lua/settle.lua", "coupons/store/queue.py",
)  # fmt: skip
_WITH_DOCSTRING = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
# Number → the code whose change outdates it: files, and folders with all their modules.
CODE = {
    "claims_per_s_per_core": _CLAIM,
    "decisions_per_s": _DECIDING,
    "bytes_per_claimant": _DECIDING,
    "bytes_per_waiting_claim": _DECIDING,
    "stored_per_s_per_worker": _STORING,
    "rows_per_s_per_database_core": ("coupons/issuing/writer.py",),
}


def capacity_values(figures: Iterable[Figure]) -> dict[str, float]:
    """Per core or process; only those that this run measured."""
    by_name = {figure.name: figure for figure in figures}
    found: dict[str, float] = {}
    if admission := by_name.get("admission_cpu_ratio"):
        found["claims_per_s_per_core"] = round(1e6 / admission.details["us_per_claim"])
    if drain := by_name.get("drain_ratio"):
        found["stored_per_s_per_worker"] = round(drain.details["claims_per_s"])
        found["rows_per_s_per_database_core"] = round(drain.details["rows_per_s"])
    if deciding := by_name.get("redis_decisions_per_s"):
        found["decisions_per_s"] = round(deciding.value)
    if claimant := by_name.get("bytes_per_claimant"):
        found["bytes_per_claimant"] = round(claimant.value, 1)
        waiting = claimant.details["with_queue"] - claimant.value
        found["bytes_per_waiting_claim"] = round(waiting, 1)
    return found


def write_measured(
    figures: Iterable[Figure], about: dict[str, Any], file: Path = capacity.FILE
) -> list[str]:
    """Replace older numbers by this run's. Returns the names of the new numbers."""
    known = json.loads(file.read_text()) if file.exists() else {}
    new = capacity_values(figures)
    machine = about["machine"]
    for name, value in new.items():
        known[name] = {
            "value": value,
            "commit": about["commit"],
            "at": about["at"],
            "machine": f"{machine['cpu']}, {counted_noun(machine['cores'], 'core')}",
            "code": code_digest(CODE[name]),
        }
    file.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
    return sorted(new)


def outdated_numbers(file: Path = capacity.FILE) -> list[str]:
    """The numbers whose code has changed since they were measured."""
    known = json.loads(file.read_text())
    return [name for name, code in CODE.items() if known[name]["code"] != code_digest(code)]


def code_digest(places: Iterable[str], root: Path = ROOT) -> str:
    whole = sha256()
    for file in sorted(_files(places, root)):
        whole.update(f"{file.relative_to(root)}\n{_without_comments(file)}\n".encode())
    return whole.hexdigest()[:16]


def _files(places: Iterable[str], root: Path) -> Iterator[Path]:
    for place in places:
        path = root / place
        yield from path.rglob("*.py") if path.is_dir() else (path,)


def _without_comments(file: Path) -> str:
    text = file.read_text()
    if file.suffix == ".lua":
        lines = (re.sub(r"\s*--.*", "", line).strip() for line in text.splitlines())
        return "\n".join(line for line in lines if line)
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, _WITH_DOCSTRING) and ast.get_docstring(node):
            node.body = node.body[1:] or [ast.Pass()]
    return syntax_text(tree)


def syntax_text(part: object) -> str:
    """A syntax tree as text, the same for every version of Python. `ast.dump` is not: versions add
    fields, which are empty for code without the new syntax, and 3.13 omits empty ones."""
    if isinstance(part, list):
        return f"[{', '.join(map(syntax_text, part))}]"
    if not isinstance(part, ast.AST):
        return ascii(part)  # `repr` follows the version of Unicode
    filled = sorted((name, value) for name, value in ast.iter_fields(part) if not _is_empty(value))
    fields = ", ".join(f"{name}={syntax_text(value)}" for name, value in filled)
    return f"{type(part).__name__}({fields})"


def _is_empty(value: object) -> bool:
    return value is None or value == []
