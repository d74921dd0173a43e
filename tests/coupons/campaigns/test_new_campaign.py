"""`manage.py new_campaign` refuses with the model's sentences; to open at once needs a flag."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from coupons.models import Campaign


def new_campaign(*options: str) -> dict[str, Any]:
    out = StringIO()
    call_command("new_campaign", "sale", *options, stdout=out)
    said: dict[str, Any] = json.loads(out.getvalue())
    return said


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--lasts", "0"], "closes_at: A campaign must close after it opens."),
        (["--lasts", "1e10"], "closes_at: Choose a moment between the years 2000 and 2200."),
        (["--opens-in", "1e10"], "opens_at: Choose a moment between the years 2000 and 2200."),
    ],
)
def test_12_21_it_refuses_what_no_campaign_can_be(
    db: None, options: list[str], sentence: str
) -> None:
    with pytest.raises(CommandError) as refused:
        new_campaign(*options)
    assert sentence in str(refused.value)
    assert "filter_blocks" not in str(refused.value)  # an internal field
    assert refused.value.returncode == 2
    assert not Campaign.objects.exists()


def test_12_22_an_opening_in_the_past_is_confirmed_by_a_flag(db: None) -> None:
    with pytest.raises(CommandError, match=r"will open at once\. To confirm: --yes"):
        new_campaign("--opens-in", "-600")
    assert not Campaign.objects.exists()
    assert new_campaign("--opens-in", "-600", "--yes")["slug"] == "sale"


def test_now_is_not_the_past(db: None) -> None:
    assert new_campaign()["stock"] == 1000
