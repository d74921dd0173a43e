"""Each server of a site has a port of its own, or nothing is written to any host."""

from pathlib import Path

import pytest

from tests.infra.test_secrets_judged import check_vault

pytestmark = pytest.mark.slow


def test_the_ports_that_are_there_pass(tmp_path: Path) -> None:
    assert check_vault(tmp_path, "{}") == ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("coupon_api_port", "coupon_operators_port"),
        ("coupon_users_port", "coupon_operators_inner_port"),
        ("coupon_merchants_port", "coupon_merchants_inner_port"),
        ("coupon_users_port", "coupon_pages_inner_port"),
        ("coupon_consumer_port", "coupon_flower_port"),
    ],
)
def test_one_port_for_two_servers_is_refused_by_both_names(
    tmp_path: Path, one: str, other: str
) -> None:
    output = check_vault(tmp_path, "{}", "-e", f"{one}=9080", "-e", f'{{"{other}": 9080}}')
    assert f"{one} and {other} are both 9080" in output
