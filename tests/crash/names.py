"""Names of faults and of broken builds, read from the source: their modules can't be imported
before Django knows its servers."""

import ast
from pathlib import Path

HERE = Path(__file__).parent


def faults() -> list[str]:
    files = ("faults.py", "strangers.py")
    return [name for file in files for name in _functions(file, ["scene", "fault"])]


def builds() -> list[str]:
    return _functions("broken.py", [])


def _functions(file: str, parameters: list[str]) -> list[str]:
    """The public functions of a module that have these parameters."""
    return [
        node.name
        for node in ast.parse((HERE / file).read_text()).body
        if isinstance(node, ast.FunctionDef)
        and not node.name.startswith("_")
        and [each.arg for each in node.args.args] == parameters
    ]
