"""The database is down in the middle of a sale: claims are still admitted, and all are stored when
it is back. A real server, stopped and started."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from coupons import store
from tests.harness import servers

pytestmark = pytest.mark.slow


def run_django(environment: dict[str, str], code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


SETUP = (
    "import os, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'config.settings'; django.setup()"
)
BEGIN = f"""{SETUP}
from datetime import timedelta
from django.core.management import call_command
from django.utils import timezone
from coupons.campaigns import lifecycle
from coupons.models import Campaign
call_command("migrate", verbosity=0)
now = timezone.now()
sale = Campaign(slug="sale", name="Sale", stock=40, opens_at=now, valid_days=1,
                closes_at=now + timedelta(hours=1), discount_value=10)
lifecycle.save_draft(sale, actor="Mina")
lifecycle.schedule_campaign("sale", actor="Mina")
"""
# A web process that has never connected to the database.
CLAIM = f"""{SETUP}
import sys
from django.test import Client
from coupons.identity import user_tokens
for n in range({{start}}, {{start}} + 30):
    headers = {{{{"Authorization": "Bearer " + user_tokens.mint_token(f"user-{{{{n}}}}")}}}}
    print(Client(headers=headers).post("/api/v1/campaigns/sale/claims", b"",
          content_type="application/json").status_code)
"""
READY = f"""{SETUP}
from django.test import Client
answer = Client().get("/readyz")
print(answer.status_code, answer.json()["database"])
"""
DRAIN = f"""{SETUP}
from coupons.issuing.drain import drain
from coupons.errors import DatabaseAway
try:
    print(drain("sale", consumer="one").stored)
except DatabaseAway:
    print("away")
"""


def test_claims_are_admitted_while_mysql_is_away_and_stored_when_it_is_back(
    tmp_path: Path,
) -> None:
    port = servers.free_port()
    environment = os.environ | {
        "DATABASE_URL": f"mysql://coupons:coupons@127.0.0.1:{port}/coupons",
        "DRAIN_PATIENCE_S": "0.2",
        "DRAIN_TAKE_OVER_MS": "1",
    }
    with servers.start_mariadb(tmp_path / "db", port=port):
        run_django(environment, BEGIN)
        assert run_django(environment, CLAIM.format(start=0)).split() == ["202"] * 30
    assert run_django(environment, CLAIM.format(start=20)).split() == (
        ["200"] * 10 + ["202"] * 10 + ["409"] * 10
    )
    assert run_django(environment, READY) == "200 False"
    assert run_django(environment, DRAIN) == "away"
    assert store.store().campaigns.gate("sale").waiting == 40
    with servers.start_mariadb(tmp_path / "db", port=port):
        assert run_django(environment, DRAIN) == "40"
        assert run_django(environment, READY) == "200 True"
    assert store.store().campaigns.gate("sale").waiting == 0


@pytest.mark.parametrize("broker", ["redis://127.0.0.1:1/0"])
def test_a_broker_that_is_away_costs_nobody_a_claim(tmp_path: Path, broker: str) -> None:
    environment = os.environ | {
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        "CELERY_BROKER_URL": broker,
    }
    run_django(environment, BEGIN)
    assert run_django(environment, CLAIM.format(start=0)).split() == ["202"] * 30
    assert run_django(environment, DRAIN) == "30"
