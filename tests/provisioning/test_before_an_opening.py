"""The page that says what `production` carries, and the budget beside the estimate."""

from __future__ import annotations

import json
import re

from provisioning.adjustments import Adjustments, adjusted_wants
from provisioning.cost import estimate_cost
from provisioning.prices import load_prices
from provisioning.resources.budget import BUDGET_MAILS_AT
from provisioning.spec.load import ENVIRONMENTS
from tests.provisioning import specs

ROOT = ENVIRONMENTS.parents[1]
PAGE = (ROOT / "provisioning/BEFORE_AN_OPENING.md").read_text()
MEASURED = json.loads((ROOT / "coupons/monitoring/measured.json").read_text())
PLANNED_WITH = 0.6  # of the measured rates, as plan_capacity
CORES = 2  # of a c7g.large


def test_16_11_what_production_carries_is_what_was_measured() -> None:
    host = PLANNED_WITH * MEASURED["claims_per_s_per_core"]["value"] * CORES
    decisions = PLANNED_WITH * MEASURED["decisions_per_s"]["value"]
    for figure, unit in ((host, "claims"), (2 * host, "while"), (decisions, "decisions")):
        printed = re.search(rf"([\d,]+) {unit}", PAGE)
        assert printed is not None
        assert abs(int(printed[1].replace(",", "")) - figure) <= 5, unit


def test_16_11_the_units_table_multiplies_what_aws_says_of_one() -> None:
    price = load_prices().other["balancer_unit"]
    rows = re.findall(r"^\| ([\d,]+) \| ([\d,]+)[^|]*\| ([\d.]+) \|$", PAGE, re.M)
    assert len(rows) == 4
    for connections, units, dollars in rows:
        lcu = int(units.replace(",", ""))
        assert lcu == int(connections.replace(",", "")) / 25
        assert float(dollars) == round(lcu * price, 2)


def test_16_11_an_ordinary_month_sends_no_mail_of_the_budget() -> None:
    spec = specs.environment_spec("production", "198.51.100.7/32")
    assert spec.budget is not None
    estimate = estimate_cost(adjusted_wants(spec, Adjustments())).monthly
    assert estimate <= BUDGET_MAILS_AT * spec.budget.monthly_usd
