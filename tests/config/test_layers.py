"""Imports go down and never in a circle; each store has one door; each shortcut stays banned."""

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from config import env

ROOT = env.BASE_DIR

# Top-level names of `coupons`, from what knows nothing to what knows everything.
LAYERS = [
    (
        "words",
        {
            "claims",
            "errors",
            "keys",
            "metrics",
            "counting",
            "trace",
            "loglines",
            "spans",
            "campaign_keys",
            "claimant_field",
            "coupon_codes",
            "holder_filter",
            "limits",
            "receipt_tokens",
            "coefficients",
            "currencies",
            "quick",
            "arguments",
            "phrases",
            "timestamps",
            "signing",
        },
    ),
    (
        "adapters",
        {
            "models",
            "migrations",
            "row_constraints",
            "breaker",
            "database",
            "database_clock",
            "database_errors",
            "statements",
            "store",
            "bell",
            "fast_verify",
            "jwks",
            "user_tokens",
            "slots",
        },
    ),
    (
        "stages",
        {
            "clock_skew",
            "deciding_clock",
            "facts",
            "signals",
            "snapshot",
            "exhausted",
            "events",
            "questions",
            "change",
            "campaigns",
            "effective_state",
            "holding",
            "isolation",
            "queue",
            "writer",
            "direct",
            "admission",
            "live_counts",
            "queries",
            "queued",
            "gauges",
            "recent_admissions",
            "lost_admissions",
            "rebuild",
            "renewal",
            "fence",
            "parked",
            "receipt_status",
            "honour",
        },
    ),
    ("processes", {"drain", "places", "reconcile", "checks", "wiring", "readiness"}),
    (
        "edges",
        {
            "api",
            "tasks",
            "admin",
            "admin_site",
            "operator_sessions",
            "start_pages",
            "apps",
            "management",
            "templatetags",
        },
    ),
]
PEER = ROOT / "locust" / "compare" / "tutorial"  # a Django project of its own, to compare with
HEIGHT = {name: height for height, (_, names) in enumerate(LAYERS) for name in names}


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(), str(file))


def files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def module_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(file: Path) -> Iterator[str]:
    """Full names of what a file imports: `from a import b` is `a.b`."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(name: str) -> str:
    """`coupons.api.views` is in the room `api`."""
    return name.split(".")[1]


def ours(file: Path, package: str = "coupons") -> set[str]:
    return {name for name in imported(file) if name.startswith(f"{package}.")}


INNER = [file for file in files("coupons") if "." in module_of(file)]


@pytest.mark.parametrize("file", INNER, ids=module_of)
def test_a_module_of_coupons_stands_in_a_layer_and_imports_only_down(file: Path) -> None:
    here = room(module_of(file))
    assert here in HEIGHT, f"Give {here} a place in LAYERS (and in DESIGN 5)."
    for name in ours(file):
        assert HEIGHT[room(name)] <= HEIGHT[here], f"{module_of(file)} imports {name}: up"


def test_nothing_in_the_layers_is_gone() -> None:
    assert {room(module_of(file)) for file in INNER} == set(HEIGHT)


def _graph() -> dict[str, set[str]]:
    """Which module imports which, names of functions and classes cut off."""
    modules = {module_of(file) for file in files("coupons") + files("config")}
    graph: dict[str, set[str]] = {}
    for file in files("coupons") + files("config"):
        names = ours(file) | ours(file, "config")
        found = {name if name in modules else name.rpartition(".")[0] for name in names}
        graph[module_of(file)] = found & modules - {module_of(file)}
    return graph


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = _graph()
    assert graph["coupons.queued"] >= {"coupons.bell", "coupons.claims", "coupons.store"}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(" → ".join(circle.args[1]))


def test_coupons_knows_nothing_of_config() -> None:
    for file in files("coupons"):
        assert not {name for name in imported(file) if name.split(".")[0] == "config"}, file


@pytest.mark.parametrize("folder", ["provisioning", "ansible", "locust"])
def test_what_builds_and_loads_us_speaks_http_and_files_only(folder: str) -> None:
    for file in files(folder):
        known = {name.split(".")[0] for name in imported(file)}
        assert not known & {"coupons", "config"}, file
        if PEER not in file.parents:
            assert not known & {"django", "celery"}, file


@pytest.mark.parametrize("folder", ["coupons", "config", "provisioning", "locust"])
def test_no_import_hides_in_a_function(folder: str) -> None:
    for file in files(folder):
        for node in ast.walk(tree(file)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                inside = [n for n in ast.walk(node) if isinstance(n, ast.Import | ast.ImportFrom)]
                assert not inside, f"{file}:{inside[0].lineno}"


# One door per store


def importers(package: str, *folders: str) -> set[str]:
    return {
        module_of(file)
        for folder in folders
        for file in files(folder)
        if package in {name.split(".")[0] for name in imported(file)}
    }


def test_redis_has_one_door() -> None:
    """`store`, whose parts are nobody else's but its own."""
    inside = {module_of(file) for file in files("coupons/store")}
    assert importers("redis", "coupons") <= inside
    parts = {"coupons.store.wire", "coupons.store.groupcommit", "coupons.store.endpoint"}
    users = {name for name, used in _graph().items() if used & parts}
    assert users <= inside


def test_aws_has_one_door() -> None:
    assert importers("boto3", "provisioning", "coupons", "config") <= {"provisioning.aws"}


def test_coupon_rows_are_written_at_one_place() -> None:
    """By its SQL; the ORM's ways to write are looked for by name."""
    ways = {"create", "bulk_create", "update_or_create", "get_or_create", "save", "update"}
    for file in files("coupons"):
        for node in ast.walk(tree(file)):
            if isinstance(node, ast.Attribute) and node.attr in ways:
                assert "Coupon" not in ast.unparse(node.value).split("."), f"{file}:{node.lineno}"
    tables = [file for file in files("coupons") if "INSERT INTO {Coupon" in file.read_text()]
    assert [module_of(file) for file in tables] == ["coupons.writer"]


# Bans


def strings(file: Path) -> Iterator[ast.Constant]:
    """All texts but docstrings."""
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node


def test_no_statement_hides_a_place_taken_twice() -> None:
    """INSERT IGNORE and its relatives make a conflict disappear, and with it a user's coupon."""
    sql = ("insert ignore", "on duplicate key", "replace into", "insert or ", "on conflict")
    keywords = {"ignore_conflicts", "update_conflicts"}
    for file in files("coupons") + files("config"):
        for text in strings(file):
            assert not any(way in str(text.value).lower() for way in sql), f"{file}:{text.lineno}"
        for node in ast.walk(tree(file)):
            assert not (isinstance(node, ast.keyword) and node.arg in keywords), file


def test_the_environment_is_read_in_one_place() -> None:
    """`setdefault` writes; `config/local` makes environments for the programs it starts."""
    for file in files("coupons") + files("config"):
        name = module_of(file)
        if name == "config.env" or name.startswith("config.local"):
            continue
        for node in ast.walk(tree(file)):
            if isinstance(node, ast.Attribute) and ast.unparse(node).startswith(
                ("os.environ", "os.getenv")
            ):
                assert ast.unparse(node) in ("os.environ", "os.environ.setdefault"), file
            if isinstance(node, ast.Subscript):
                assert ast.unparse(node.value) != "os.environ", file


def _reached(module: str) -> set[str]:
    """All that an import of this module imports of ours, directly or not."""
    graph, reached, left = _graph(), set[str](), [module]
    while left:
        name = left.pop()
        if name not in reached:
            reached.add(name)
            left += graph.get(name, set())
    return reached


RECOVERY = {"fence", "renewal", "rebuild", "lost_admissions", "places", "reconcile", "honour"}


ISSUING = {"queue", "drain", "writer", "parked", "receipt_status", "database", "slots"}


def test_queued_admission_reaches_neither_recovery_nor_what_stores() -> None:
    reached = _reached("coupons.queued")
    assert reached >= {"coupons.store", "coupons.exhausted"}, "it reads nothing"
    above = {f"coupons.{name}" for name in RECOVERY | ISSUING | {"campaigns", "change"}}
    assert not reached & above
    assert _reached("coupons.tasks") & above, "nor does anything else"


@pytest.mark.parametrize("module", ["direct", "writer"])
def test_what_stores_without_redis_reaches_no_redis(module: str) -> None:
    reached = _reached(f"coupons.{module}")
    assert reached >= {"coupons.database", "coupons.models"}, "it reads nothing"
    assert not [name for name in reached if name.startswith("coupons.store")]
    assert "coupons.store" in _reached("coupons.drain"), "nor does anything else"
