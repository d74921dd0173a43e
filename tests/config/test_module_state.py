"""A process's mutable state is in its runtime (`coupons.runtime`), where a test renews it; each
module-level variable that is not is named here with its reason (issue 14, HOUSE 1)."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import env

# What makes something that changes, beside literals: called at module level.
MAKERS = {
    "dict", "list", "set", "deque", "defaultdict", "OrderedDict", "Counter", "count", "cycle",
    "Lock", "RLock", "Event", "Condition", "Semaphore", "BoundedSemaphore", "local", "Thread",
    "ThreadPoolExecutor", "Random", "Breaker", "Reporter", "ContextVar", "Queue", "cache",
    "bytearray",
}  # fmt: skip
CACHES = {"cache", "lru_cache"}
# Functions without state of their own: the same argument, the same result, in any process.
# An entry that is kept can't be wrong, so nothing renews it.
PURE = {
    "coupons/api/accept_language.py": {"_preferred"},
    "coupons/api/problems.py": {"encoded_problem"},
    "coupons/api/responses.py": {"_status_url"},
    "coupons/api/start_pages.py": {"_rendered"},
    "coupons/api/translations.py": {"_translated_text"},
    "coupons/claims/campaign_keys.py": {"campaign_key"},
    "coupons/claims/hmac_sha256.py": {"_keyed_mac"},
    "coupons/claims/receipt_tokens.py": {"_receipt_head"},
    "coupons/claims/timestamps.py": {"_text_of_second"},
    "coupons/observability/hot_counters.py": {"_answer"},
    "coupons/pages/hand_over.py": {"_origin_of"},
    "coupons/pages/views.py": {"_script"},
    "coupons/redemption/rows.py": {"_insert", "_select"},
    "coupons/store/keys.py": {"campaign_keys"},
    "config/metrics/exposition.py": {"may_read"},
    "config/request_cycle.py": {"_match_of"},
    "config/metrics/multiprocess.py": {"_suffix_of_pid"},
    "config/secret_rules.py": {"_word_hashes"},
}
STAYS = {
    "coupons/audit/origin.py": {"_scope"},  # a ContextVar, too
    "coupons/observability/request_id.py": {"_current"},  # a ContextVar: each request has its own
    "coupons/dry_run.py": {"_current"},  # a ContextVar
    # The series of a metric stay for the life of a process, and so does their bound.
    "coupons/observability/metrics.py": {"_known"},
    "config/request_context.py": {"_counter"},  # children of a metric
    # Hooks: wiring, set once by `apps.ready()` or `config.tracing`. A fresh runtime needs the same.
    "coupons/admission/queued.py": {"_verify_server"},
    "coupons/admission/strategies.py": {"_decide_by_strategy"},
    "coupons/observability/batch_spans.py": {"_listener"},
    "coupons/observability/hot_counters.py": {"_is_known", "_sink"},
    "coupons/observability/refusal_notes.py": {"_shed_sink", "_sink"},
    # Threads and sockets of libraries, which end with the process; by broker and process.
    "coupons/broker/connections.py": {"_pool"},
    "coupons/monitoring/collectors.py": {"_database_thread"},
    "config/dependency_watch.py": {"dependency_watch"},
    "config/tracing/exporting.py": {"tracer_provider", "make_tracer"},
    "config/tracing/ids.py": {"_active_ids"},  # a ContextVar
    "config/overload.py": {"_dice"},
    # Read before Django is there, or without it.
    "config/env.py": {"_secrets_read", "_store_passwords_read"},
    "config/development/process/signals.py": {"_received"},
}


def module_files() -> Iterator[Path]:
    for folder in ("coupons", "config"):
        yield from sorted((env.BASE_DIR / folder).rglob("*.py"))


def _called_name(node: ast.expr | None) -> str:
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _assigned_value(statement: ast.stmt) -> tuple[str, ast.expr | None]:
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return name, value
        case ast.AnnAssign(target=ast.Name(id=name), value=value):
            return name, value
    return "", None


def _is_state(name: str, value: ast.expr | None) -> bool:
    """Constants are upper case; the private ones that are filled later are not."""
    if isinstance(value, ast.Dict | ast.List | ast.Set):
        return not (value.keys if isinstance(value, ast.Dict) else value.elts)
    return isinstance(value, ast.Call) and _called_name(value) in MAKERS and not name.isupper()


def state_of(tree: ast.Module) -> Iterator[str]:
    """The names at module level that change while the process runs."""
    for statement in tree.body:
        name, value = _assigned_value(statement)
        if _is_state(name, value):
            yield name
        if isinstance(statement, ast.FunctionDef) and CACHES & {
            _called_name(decorator) for decorator in statement.decorator_list
        }:
            yield statement.name
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            yield from node.names


@pytest.mark.parametrize("source", [
    "_seen = {}", "_seen: dict[str, int] = {}", "_lock = threading.Lock()",
    "@cache\ndef one(): ...", "@functools.lru_cache(maxsize=2)\ndef one(): ...",
    "_seen = 0\ndef count():\n    global _seen\n    _seen += 1", "_lock = Lock()", "_all = deque()",
])  # fmt: skip
def test_14_state_is_seen(source: str) -> None:
    assert len(set(state_of(ast.parse(source)))) == 1


def test_14_the_state_of_a_process_is_in_its_runtime() -> None:
    found = {
        str(file.relative_to(env.BASE_DIR)): names
        for file in module_files()
        if (names := set(state_of(ast.parse(file.read_text()))))
    }
    assert found == {file: PURE.get(file, set()) | STAYS.get(file, set()) for file in PURE | STAYS}
