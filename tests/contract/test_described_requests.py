"""Requests made from openapi.json against a running web process, good and wrong ones: no 5xx that
is not meant, no status and no code that the description does not name, headers and bodies as said.

In `make test` some hundred requests; twenty thousand by

    CONTRACT_REQUESTS=20000 .venv/bin/python -m pytest -s tests/contract
"""

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import FailureGroup

from config import env
from coupons.campaigns import lifecycle
from coupons.identity import user_tokens
from coupons.issuing.drain import drain
from coupons.merchants import api_keys
from coupons.models import Coupon, Merchant, Scope
from tests.conftest import CampaignMaker, Person
from tests.contract.known_objects import Known, odd_receipts, with_known_names
from tests.harness import services

pytestmark = pytest.mark.django_db(transaction=True)

DOCUMENT = json.loads((env.BASE_DIR / "openapi.json").read_text())
REQUESTS = int(os.environ.get("CONTRACT_REQUESTS", "300"))
JSON, PROBLEM = "application/json", "application/problem+json"
TIMEOUT_S = 30
LIMITS = (
    "CLAIMS_PER_USER_PER_S", "REQUESTS_PER_USER_PER_S", "UNKNOWN_PER_USER_PER_MIN",
    "REQUESTS_PER_KEY_PER_S", "UNKNOWN_CODES_PER_KEY_PER_MIN",
)  # fmt: skip
USERS = ["jun", "ann", "bob", "mina", *(f"user-{number}" for number in range(20))]
SAID = [
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
]


class Caller:
    """Sends the requests and judges the answers. `judged` counts them by status; `faults`: what is
    not as described."""

    def __init__(self, base_url: str, key: str, known: Known) -> None:
        self.judged: Counter[int] = Counter()
        self.faults: dict[tuple[str, int, str], str] = {}
        self._base_url, self._key, self._known = base_url, key, known
        self._session = requests.Session()
        load_all_checks()
        self._checks = [check for check in CHECKS.get_all() if check.__name__ in SAID]
        assert len(self._checks) == len(SAID)

    def send(self, case: Any, drawing: st.DataObject) -> None:
        case.path_parameters = with_known_names(drawing, case.path_parameters, self._known)
        case.body = with_known_names(drawing, case.body, self._known)
        headers = with_known_names(drawing, dict(case.headers or {}), self._known)
        case.headers = headers | self._authorization(case.path, drawing)
        if not all(value.isprintable() for value in case.headers.values()):
            return  # no HTTP: the server refuses it, not the application
        response = case.call(
            base_url=self._base_url, session=self._session, timeout=TIMEOUT_S, allow_redirects=False
        )
        self._judge(case, response)

    def _judge(self, case: Any, response: Any) -> None:
        """Collects the faults, one for each operation, status and kind."""
        self.judged[response.status_code] += 1
        operation = case.operation.definition.raw
        try:
            case.validate_response(response, checks=self._checks)
        except FailureGroup as group:
            found = [f"{type(one).__name__}: {one.message}" for one in group.exceptions]
        else:
            found = list(_faults_beyond_schema(operation, response))
        for fault in found:
            where = (operation["operationId"], response.status_code, fault[:60])
            asked = f"{case.formatted_path} {case.query} {case.headers} {case.body!r}"
            self.faults.setdefault(where, f"{fault}\n  {asked}\n  {response.text[:300]}")

    def _authorization(self, path: str, drawing: st.DataObject) -> dict[str, str]:
        good = f"Api-Key {self._key}" if "/merchant/" in path else f"Bearer {_token(drawing)}"
        kinds = [good, good, good, good, good, good, "Bearer nonsense", "Api-Key x", ""]
        chosen = drawing.draw(st.sampled_from(kinds))
        return {"Authorization": chosen} if chosen else {}


def _faults_beyond_schema(operation: Any, response: Any) -> Iterator[str]:
    status = response.status_code
    if status >= 500 and not (status == 503 and response.headers.get("retry-after")):
        yield "a failure of ours"
    elif status >= 400:
        said = operation["responses"][str(status)]
        code = response.json()["code"]
        if code not in said["x-codes"]:
            yield f"undocumented code {code}"
    if not response.headers.get("x-request-id"):
        yield "no X-Request-Id"


def _token(drawing: st.DataObject) -> str:
    user = drawing.draw(st.sampled_from(USERS))
    return user_tokens.mint_token(user, lifetime_s=3600)


@pytest.fixture
def caller(
    child_environment: dict[str, str], open_campaign: CampaignMaker, tmp_path: Path
) -> Iterator[Caller]:
    merchant = Merchant.objects.create(slug="books", name="Books")
    _, key = api_keys.make_key(merchant, name="all", scopes=Scope.values)
    everything = {"merchant": merchant, "waitlist_limit": 100, "returns_to": "waitlist",
                  "may_give_back": True}  # fmt: skip
    campaigns = ["sale", "gone", "paused", *(f"sale-{number}" for number in range(6))]
    for slug in campaigns:
        open_campaign(slug, stock=1 if slug == "gone" else 50, **everything)
    for name in ("jun", "ann"):
        receipt = Person(name).claims().json()["receipt"]
    Person("bob").claims("gone")
    for slug in ("sale", "gone"):
        drain(slug, consumer="contract")
    lifecycle.pause_campaign("paused", actor="Mina")
    coupons = list(Coupon.objects.values_list("code", flat=True))
    ids = ["1", "00000000-0000-4000-8000-000000000000"]
    known = Known(campaigns, coupons, USERS, ids, [receipt, *odd_receipts("sale")])
    unlimited = dict.fromkeys(LIMITS, "0")
    with services.start_web({**child_environment, **unlimited}, tmp_path) as port:
        yield Caller(f"http://127.0.0.1:{port}", key, known)


def described_operations() -> list[Any]:
    schema = schemathesis.openapi.from_dict(DOCUMENT)
    found: Any = schema.get_all_operations()
    return [result.ok() for result in found]


def test_no_request_meets_what_the_description_does_not_say(caller: Caller) -> None:
    operations = described_operations()
    each = -(-REQUESTS * 11 // (20 * len(operations)))  # a tenth more: some can't be made
    for operation in operations:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            _ask_operation(caller, operation, mode, each)
    print(f"\n{caller.judged.total()} requests:", dict(sorted(caller.judged.items())))
    assert not caller.faults, "\n".join(f"{where}: {why}" for where, why in caller.faults.items())
    assert caller.judged.total() >= REQUESTS
    assert {200, 400, 401, 404, 409} <= caller.judged.keys()


def _ask_operation(caller: Caller, operation: Any, mode: GenerationMode, examples: int) -> None:
    @seed(18)
    @settings(
        max_examples=examples, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(mode), drawing=st.data())
    def ask(case: Any, drawing: st.DataObject) -> None:
        caller.send(case, drawing)

    try:
        ask()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE  # nothing of this operation can be wrong
