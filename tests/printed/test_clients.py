"""The generated clients of the README do a whole checkout, exactly as printed."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from config import env
from coupons.merchants import api_keys
from coupons.models import CouponEvent, Merchant
from tests.conftest import CampaignMaker
from tests.coupons.redemption.conftest import make_sale, won_by

pytestmark = [pytest.mark.slow, pytest.mark.stores, pytest.mark.django_db(transaction=True)]
PAGE = (env.BASE_DIR / "README.md").read_text()
LINES = ["redeemable", "held until", "redeemed 2000", "cancelled, the coupon is issued"]
UV = env.BASE_DIR / ".venv" / "bin" / "uv"


def block_of(language: str, containing: str) -> str:
    blocks = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    (block,) = [block for block in blocks if containing in block]
    return str(block)


@pytest.fixture
def checkout(tmp_path: Path, live_server: Any, open_campaign: CampaignMaker) -> dict[str, str]:
    """A folder with openapi.json; returns the environment of a shop that has a key and a code."""
    merchant = Merchant.objects.create(slug="books", name="Books")
    _, key = api_keys.make_key(merchant, name="checkout", scopes=("read", "redeem"))
    coupon = won_by(make_sale(open_campaign, merchant))
    shutil.copy(env.BASE_DIR / "openapi.json", tmp_path)
    return {**os.environ, "COUPONS_URL": live_server.url, "COUPONS_KEY": key, "CODE": coupon.code}


def run_in(folder: Path, command: str, environment: dict[str, str]) -> str:
    done = subprocess.run(["/bin/sh", "-euc", command], cwd=folder, env=environment, check=False,
                          capture_output=True, text=True, timeout=300)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def assert_whole_checkout(output: str) -> None:
    lines = output.strip().splitlines()
    assert len(lines) == len(LINES), output
    assert all(line.startswith(start) for line, start in zip(lines, LINES, strict=True)), output
    assert [event.verb for event in CouponEvent.objects.all()] == ["reserve", "redeem", "cancel"]


def test_the_python_client_does_a_checkout(tmp_path: Path, checkout: dict[str, str]) -> None:
    run_in(tmp_path, f"{UV} venv --quiet own", checkout)
    shell = block_of("bash", "openapi-python-client").replace(
        "pip install", f"{UV} pip install --quiet --python own/bin/python"
    )
    checkout["PATH"] = f"{tmp_path}/own/bin:{checkout['PATH']}"
    run_in(tmp_path, shell, checkout)
    (tmp_path / "checkout.py").write_text(block_of("python", "AuthenticatedClient"))
    assert_whole_checkout(run_in(tmp_path, "own/bin/python checkout.py", checkout))


@pytest.mark.skipif(shutil.which("npm") is None, reason="Node.js is not installed")
def test_the_typescript_client_does_a_checkout(tmp_path: Path, checkout: dict[str, str]) -> None:
    (tmp_path / "package.json").write_text('{"type": "module"}')
    run_in(tmp_path, block_of("bash", "openapi-typescript"), checkout)
    (tmp_path / "checkout.ts").write_text(block_of("typescript", "createClient"))
    options = "--target es2022 --module esnext --moduleResolution bundler --strict --types node"
    run_in(tmp_path, "npm install --silent @types/node@20", checkout)
    run_in(tmp_path, f"npx tsc {options} --outDir . checkout.ts", checkout)
    assert_whole_checkout(run_in(tmp_path, "node checkout.js", checkout))
