"""The search for secrets finds every form of one, and the table is read."""

import base64
from hashlib import sha256

import pytest

from tests.rehearsal import canary

SECRET = "Vt4x" * 10


@pytest.mark.parametrize("before", range(5))
def test_base64_of_a_longer_text_is_found(before: int) -> None:
    text = base64.b64encode(f"{'a' * before}{SECRET}, and more".encode()).decode()
    assert any(form in text for form in canary.canaries([SECRET]).splitlines())
    assert not any(form in text for form in canary.canaries(["another" * 5]).splitlines())


def test_what_is_made_of_a_secret_is_looked_for_as_well() -> None:
    wanted = canary.canaries([SECRET])
    assert all(len(line) >= canary.SHORTEST for line in wanted.splitlines())
    assert sha256(f"{SECRET} for metrics".encode()).hexdigest() in wanted


def test_the_table_allows_its_own_rows_only() -> None:
    table = canary.places_of_page("| `/etc/coupon/*.env` | root coupon 640 | units |\n")
    assert canary.is_allowed(("root", "coupon", "640", "/etc/coupon/app.env"), table)
    for other in (
        ("root", "coupon", "644", "/etc/coupon/app.env"),
        ("coupon", "coupon", "640", "/etc/coupon/app.env"),
        ("root", "coupon", "640", "/var/log/app.env"),
    ):
        assert not canary.is_allowed(other, table)
