"""Imports go down and form no circle; each store is accessed in one place; shortcuts are banned."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from config import env

ROOT = env.BASE_DIR

# Packages of `coupons` (and its few modules), from the lowest level to the highest.
# Imports go down; between two of one level only as SIDEWAYS allows.
LEVELS = [
    {"errors", "runtime", "dry_run"},
    {"claims"},
    {"observability", "identity", "models", "migrations"},
    {"audit", "broker"},
    {"store", "database"},
    {"campaigns", "merchants", "webhooks"},
    {"notifications", "issuing", "monitoring", "readiness"},
    {"admission", "recovery", "redemption", "grants"},
    {"attempts", "bulk", "proof", "rehearsal"},
    {"operations"},
    {"api", "admin", "management"},
    {"pages"},
    {"apps", "tasks"},
]
SIDEWAYS = {
    ("readiness", "monitoring"),  # the board shows results of the checks and the capacity plan
    ("migrations", "models"),
    ("campaigns", "webhooks"),  # an opening is told in the transaction that records it
    ("management", "admin"),  # `unlock` normalizes names as the lock-out does
}
MOST_ENTRIES, MOST_MODULES = 40, 6
MOST_ARROWS = 285  # from package to package
PEER = ROOT / "locust" / "compare" / "tutorial"  # a separate Django project for the comparison
HEIGHT = {name: height for height, names in enumerate(LEVELS) for name in names}


@cache
def syntax_tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(), str(file))


def python_files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def module_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_names(file: Path) -> Iterator[str]:
    """Full names of a file's imports: `from a import b` is `a.b`."""
    for node in ast.walk(syntax_tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def package_of(name: str) -> str:
    """The package of a module: `api` for `coupons.api.v1.views`."""
    return name.split(".")[1]


def own_imports(file: Path, package: str = "coupons") -> set[str]:
    """Without the version, which is above all levels."""
    names = {name for name in imported_names(file) if name.startswith(f"{package}.")}
    return names - {f"{package}.__version__"}


# Files of `assets` are handed out, not imported.
INNER = [
    file
    for file in python_files("coupons")
    if "." in module_of(file) and package_of(module_of(file)) != "assets"
]


@pytest.mark.parametrize("file", INNER, ids=module_of)
def test_a_module_of_coupons_stands_on_a_level_and_imports_only_down(file: Path) -> None:
    here = package_of(module_of(file))
    assert here in HEIGHT, f"Give {here} a level in LEVELS (and in coupons/README.md)."
    for name in own_imports(file):
        there = package_of(name)
        if there != here and (here, there) not in SIDEWAYS:
            assert HEIGHT[there] < HEIGHT[here], f"{module_of(file)} imports {name}: not down"


def test_the_readmes_table_has_each_package_once_on_its_level() -> None:
    text = (ROOT / "coupons" / "README.md").read_text()
    rows = re.findall(r"^\| (\d+) \|((?: `\w+(?:/|\.py)`)+) \|", text, re.MULTILINE)
    told = [(name, int(level)) for level, cell in rows for name in re.findall(r"`(\w+)", cell)]
    assert sorted(told) == sorted(HEIGHT.items())
    linked = re.findall(r"\]\((\w+)/README\.md\)", text.partition("## Packages")[0])
    own = {file.parent.name for file in (ROOT / "coupons").glob("*/README.md")}
    assert sorted(linked) == sorted(own)


def test_nothing_in_the_levels_is_gone() -> None:
    assert {package_of(module_of(file)) for file in INNER} == set(HEIGHT)


def test_every_allowed_sideways_import_is_used() -> None:
    used = {
        (package_of(module_of(file)), package_of(name))
        for file in INNER
        for name in own_imports(file)
    }
    assert used >= SIDEWAYS


def test_packages_form_no_circle() -> None:
    packages: dict[str, set[str]] = {}
    for file in INNER:
        here = package_of(module_of(file))
        packages.setdefault(here, set()).update(package_of(name) for name in own_imports(file))
    for here, used in packages.items():
        used.discard(here)
    assert packages["store"] >= {"claims", "errors"}, "it reads nothing"
    assert sum(map(len, packages.values())) <= MOST_ARROWS
    try:
        TopologicalSorter(packages).prepare()
    except CycleError as circle:
        pytest.fail(" → ".join(circle.args[1]))


def test_the_top_level_of_coupons_is_small() -> None:
    top = [entry for entry in (ROOT / "coupons").iterdir() if entry.name != "__pycache__"]
    assert len(top) <= MOST_ENTRIES
    assert len([entry for entry in top if entry.suffix == ".py"]) <= MOST_MODULES


def _import_graph() -> dict[str, set[str]]:
    """Module → the modules that it imports (names of functions and classes cut off)."""
    modules = {module_of(file) for file in python_files("coupons") + python_files("config")}
    graph: dict[str, set[str]] = {}
    for file in python_files("coupons") + python_files("config"):
        names = own_imports(file) | own_imports(file, "config")
        found = {name if name in modules else name.rpartition(".")[0] for name in names}
        graph[module_of(file)] = found & modules - {module_of(file)}
    return graph


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = _import_graph()
    assert graph["coupons.admission.queued"] >= {
        "coupons.broker.wakeups",
        "coupons.claims.values",
        "coupons.store",
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(" → ".join(circle.args[1]))


def test_coupons_knows_nothing_of_config() -> None:
    for file in python_files("coupons"):
        assert not {name for name in imported_names(file) if name.split(".")[0] == "config"}, file


@pytest.mark.parametrize("folder", ["provisioning", "ansible", "locust"])
def test_what_builds_and_loads_us_speaks_http_and_files_only(folder: str) -> None:
    for file in python_files(folder):
        known = {name.split(".")[0] for name in imported_names(file)}
        assert not known & {"coupons", "config"}, file
        if PEER not in file.parents:
            assert not known & {"django", "celery"}, file


@pytest.mark.parametrize("folder", ["coupons", "config", "provisioning", "locust"])
def test_no_import_hides_in_a_function(folder: str) -> None:
    for file in python_files(folder):
        for node in ast.walk(syntax_tree(file)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                inside = [n for n in ast.walk(node) if isinstance(n, ast.Import | ast.ImportFrom)]
                assert not inside, f"{file}:{inside[0].lineno}"


# Each store is accessed in one place


def modules_that_import(package: str, *folders: str) -> set[str]:
    return {
        module_of(file)
        for folder in folders
        for file in python_files(folder)
        if package in {name.split(".")[0] for name in imported_names(file)}
    }


def test_redis_has_one_door() -> None:
    """Only `store`, whose modules no other package imports directly."""
    inside = {module_of(file) for file in python_files("coupons/store")}
    assert modules_that_import("redis", "coupons") <= inside
    parts = {f"coupons.store.{part}" for part in ("connection", "group_commit", "client")}
    users = {name for name, used in _import_graph().items() if used & parts}
    assert users <= inside


def test_aws_has_one_door() -> None:
    assert modules_that_import("boto3", "provisioning", "coupons", "config") <= {"provisioning.aws"}


def test_coupon_rows_are_written_at_one_place() -> None:
    """Found by its SQL, and by the names of the ORM's writing methods."""
    ways = {"create", "bulk_create", "update_or_create", "get_or_create", "save", "update"}
    for file in python_files("coupons"):
        for node in ast.walk(syntax_tree(file)):
            if isinstance(node, ast.Attribute) and node.attr in ways:
                assert "Coupon" not in ast.unparse(node.value).split("."), f"{file}:{node.lineno}"
    tables = [file for file in python_files("coupons") if "INSERT INTO {Coupon" in file.read_text()]
    assert [module_of(file) for file in tables] == ["coupons.issuing.writer"]


# Bans


def string_constants(file: Path) -> Iterator[ast.Constant]:
    """All string constants except docstrings."""
    docs = {
        id(node.body[0].value)
        for node in ast.walk(syntax_tree(file))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(syntax_tree(file)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node


def test_no_statement_hides_a_place_taken_twice() -> None:
    """INSERT IGNORE and similar statements hide a conflict, and with it a user's lost coupon."""
    sql = ("insert ignore", "on duplicate key", "replace into", "insert or ", "on conflict")
    keywords = {"ignore_conflicts", "update_conflicts"}
    for file in python_files("coupons") + python_files("config"):
        for text in string_constants(file):
            assert not any(way in str(text.value).lower() for way in sql), f"{file}:{text.lineno}"
        for node in ast.walk(syntax_tree(file)):
            assert not (isinstance(node, ast.keyword) and node.arg in keywords), file


def test_the_environment_is_read_in_one_place() -> None:
    """`setdefault` writes; `config/development` makes environments for the programs it starts."""
    for file in python_files("coupons") + python_files("config"):
        name = module_of(file)
        if name == "config.env" or name.startswith("config.development"):
            continue
        for node in ast.walk(syntax_tree(file)):
            if isinstance(node, ast.Attribute) and ast.unparse(node).startswith(
                ("os.environ", "os.getenv")
            ):
                assert ast.unparse(node) in ("os.environ", "os.environ.setdefault"), file
            if isinstance(node, ast.Subscript):
                assert ast.unparse(node.value) != "os.environ", file


def _modules_reached(module: str) -> set[str]:
    """All modules of ours that an import of this one loads, directly or not."""
    graph, reached, left = _import_graph(), set[str](), [module]
    while left:
        name = left.pop()
        if name not in reached:
            reached.add(name)
            left += graph.get(name, set())
    return reached


def _packages_reached(module: str) -> set[str]:
    return {
        package_of(name)
        for name in _modules_reached(module)
        if "." in name and name.startswith("coupons.")
    }


def test_queued_admission_reaches_neither_recovery_nor_what_stores() -> None:
    reached = _packages_reached("coupons.admission.queued")
    assert reached >= {"store", "broker", "campaigns"}, "it reads nothing"
    assert not reached & {"recovery", "issuing", "database"}
    assert _packages_reached("coupons.tasks") >= {"recovery", "issuing", "database"}


@pytest.mark.parametrize("module", ["admission.direct", "issuing.writer"])
def test_what_stores_without_redis_reaches_no_redis(module: str) -> None:
    reached = _packages_reached(f"coupons.{module}")
    assert reached >= {"database", "models"}, "it reads nothing"
    assert "store" not in reached
    assert "store" in _packages_reached("coupons.issuing.drain"), "nor does anything else"
