"""Names of faults and of broken builds, read from the source: their modules can't be imported
before Django is set up for the servers."""

import ast
from pathlib import Path

HERE = Path(__file__).parent


def fault_names() -> list[str]:
    files = ("process_faults.py", "network_faults.py", "data_faults.py", "strangers.py")
    return [name for file in files for name in _public_functions(file, ["scene", "fault"])]


def build_names() -> list[str]:
    """The contents of the table `BUILDS` in broken.py."""
    (table,) = (
        node.value
        for node in ast.parse((HERE / "broken.py").read_text()).body
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "BUILDS"
    )
    assert isinstance(table, ast.DictComp)
    return [ast.unparse(name) for name in getattr(table.generators[0].iter, "elts", [])]


def _public_functions(file: str, parameters: list[str]) -> list[str]:
    """The public functions of a module that have these parameters."""
    return [
        node.name
        for node in ast.parse((HERE / file).read_text()).body
        if isinstance(node, ast.FunctionDef)
        and not node.name.startswith("_")
        and [each.arg for each in node.args.args] == parameters
    ]
