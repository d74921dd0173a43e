"""12.A4, 5, 13, 21, 22: invalid definitions are refused at every entry with the same sentence, and
by the database; all derived values of an accepted one can be computed."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.serializers import serialize
from django.db import DatabaseError, transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from coupons.campaigns import lifecycle, snapshot
from coupons.claims.timestamps import iso_of, text_of
from coupons.models import Campaign
from coupons.models.currencies import DECIMALS
from tests.coupons.campaigns.broken_definitions import BROKEN, CLOSES, ONLY_IN_PYTHON, OPENS, SOUND

KEYS = {"key_id": "local", "epoch": "e"}


def case_id(case: tuple[dict[str, Any], str, str]) -> str:
    return ",".join(case[0])


def validation_errors(campaign: Campaign) -> dict[str, list[str]]:
    with pytest.raises(ValidationError) as refused:
        campaign.full_clean()
    return refused.value.message_dict


@pytest.mark.parametrize("case", BROKEN + ONLY_IN_PYTHON, ids=case_id)
def test_the_model_refuses_it_at_its_field(db: None, case: Any) -> None:
    changes, field, sentence = case
    said = validation_errors(Campaign(**SOUND | KEYS | changes))
    assert sentence in " ".join(said[field])


def test_the_sound_definition_is_sound(db: None) -> None:
    Campaign(**SOUND | KEYS).full_clean()


@pytest.mark.parametrize("case", BROKEN, ids=case_id)
def test_a_draft_is_refused_with_the_sentence_of_the_model(db: None, case: Any) -> None:
    changes, field, _sentence = case
    said = validation_errors(Campaign(**SOUND | KEYS | changes))
    with pytest.raises(ValidationError) as refused:
        lifecycle.save_draft(Campaign(**SOUND | changes), actor="Mina")
    assert refused.value.message_dict[field] == said[field]
    assert not Campaign.objects.exists()


@pytest.mark.parametrize("case", BROKEN, ids=case_id)
def test_a_fixture_is_refused_with_the_sentence_of_the_model(
    db: None, tmp_path: Path, case: Any
) -> None:
    changes, field, _sentence = case
    if any(isinstance(each, int) and abs(each) > 2**63 for each in changes.values()):
        pytest.skip("no fixture has it: no column ever held it")
    broken = Campaign(pk=7, **SOUND | KEYS | changes)
    said = validation_errors(broken)
    fixture = tmp_path / "sale.json"
    fixture.write_text(serialize("json", [broken]))
    with pytest.raises(ValidationError) as refused:
        call_command("loaddata", fixture, verbosity=0)
    assert set(said[field]) <= {each.removeprefix("sale: ") for each in refused.value.messages}
    assert not Campaign.objects.exists()


def test_a_sound_fixture_is_loaded(db: None, tmp_path: Path) -> None:
    fixture = tmp_path / "sale.json"
    fixture.write_text(serialize("json", [Campaign(pk=7, **SOUND | KEYS, created_at=OPENS)]))
    call_command("loaddata", fixture, verbosity=0)
    assert Campaign.objects.get().slug == "sale"


BY_THE_DATABASE = [
    ({"stock": 0}, "campaign_has_stock"),
    ({"stock": 10_000_001}, "campaign_stock_is_bounded"),
    ({"per_user": 101}, "campaign_per_user_is_bounded"),
    ({"filter_blocks": 0}, "campaign_filter_is_bounded"),
    ({"closes_at": datetime(2200, 1, 1, 1, tzinfo=UTC)}, "campaign_window_is_on_the_calendar"),
    ({"opens_at": datetime(1999, 12, 31, tzinfo=UTC)}, "campaign_window_is_on_the_calendar"),
    ({"valid_until": datetime(9999, 12, 31, tzinfo=UTC), "valid_days": None},
     "campaign_valid_until_is_on_the_calendar"),
    ({"valid_until": CLOSES, "valid_days": None}, "campaign_valid_until_is_after_it_closes"),
    ({"valid_days": 0}, "campaign_valid_days_are_bounded"),
    ({"valid_days": 36_501}, "campaign_valid_days_are_bounded"),
    ({"discount_value": Decimal(0)}, "campaign_discount_is_bounded"),
    ({"discount_value": Decimal("100.5")}, "campaign_discount_is_bounded"),
    ({"minimum_order": Decimal(-1)}, "campaign_minimum_order_is_bounded"),
    ({"discount_cap": Decimal(0)}, "campaign_cap_is_of_a_percentage"),
    ({"discount": "amount", "discount_cap": Decimal(5)}, "campaign_cap_is_of_a_percentage"),
]  # fmt: skip


@pytest.mark.stores
@pytest.mark.parametrize(("changes", "constraint"), BY_THE_DATABASE, ids=str)
def test_the_database_refuses_it_too_whoever_writes(
    db: None, changes: dict[str, Any], constraint: str
) -> None:
    Campaign.objects.create(**SOUND | KEYS)
    with pytest.raises(DatabaseError, match=constraint), transaction.atomic():
        Campaign.objects.update(**changes)


EXTREMES: list[dict[str, Any]] = [
    {"opens_at": datetime(2000, 1, 1, tzinfo=UTC)},
    {"closes_at": datetime(2200, 1, 1, tzinfo=UTC) - timedelta(days=30)},
    {"valid_until": datetime(2200, 1, 1, tzinfo=UTC), "valid_days": None},
    {"valid_until": CLOSES + timedelta(milliseconds=1), "valid_days": None},
    {"valid_days": 36_500},
    {"valid_days": 1},
    {"closes_at": OPENS + timedelta(milliseconds=1)},
    {"stock": 10_000_000},
    {"per_user": 100},
    {"discount_value": Decimal(100)},
    {"discount_value": Decimal("0.01")},
    {"discount": "amount", "discount_value": Decimal(9_999_999_999),
     "minimum_order": Decimal(9_999_999_999)},
    {"discount": "amount", "discount_value": Decimal(100), "minimum_order": Decimal(10)},
    {"currency": "KWD", "minimum_order": Decimal("1.255")},
    {"currency": "USD", "minimum_order": Decimal("0.99"), "discount_cap": Decimal("0.01")},
    {"currency": "KRW", "minimum_order": Decimal("1000.00")},
    {"name": "가을 세일 🎉"},
]  # fmt: skip


def compute_derived_values(known: snapshot.CampaignSnapshot) -> None:
    """Compute all values that admission, views, receipts and the drain derive from a definition."""
    for admitted_ms in (known.opens_ms, known.closes_ms - 1):
        text_of(known.expires_ms(admitted_ms))
        iso_of(known.expires_ms(admitted_ms))
        assert known.expires_ms(admitted_ms) > admitted_ms
    assert snapshot.parse_snapshot(snapshot.serialise_snapshot(known)) == known
    json.dumps(known.terms)


@pytest.mark.stores
@pytest.mark.parametrize("changes", EXTREMES, ids=str)
def test_the_ends_of_what_is_allowed_are_stored_and_computed_with(
    db: None, changes: dict[str, Any]
) -> None:
    lifecycle.save_draft(Campaign(**SOUND | changes), actor="Mina")
    stored = Campaign.objects.get()
    for name, value in (SOUND | changes).items():
        assert getattr(stored, name) == value
    compute_derived_values(snapshot.snapshot_of(stored))


moments = st.datetimes(timezones=st.just(UTC)) | st.datetimes(
    min_value=datetime(1990, 1, 1), max_value=datetime(2210, 1, 1), timezones=st.just(UTC)
)
amounts = st.decimals(allow_nan=False, allow_infinity=False, places=3) | st.decimals()
numbers = st.integers() | st.integers(-1, 70_000)


@pytest.mark.slow
@hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300, deadline=None
)
@given(
    drawn=st.fixed_dictionaries(
        {},
        optional={
            "opens_at": moments, "closes_at": moments, "stock": numbers, "per_user": numbers,
            "discount": st.sampled_from(["percent", "amount"]), "discount_value": amounts,
            "currency": st.sampled_from(sorted(DECIMALS)) | st.text(max_size=4),
            "minimum_order": amounts, "discount_cap": st.none() | amounts,
            "valid_days": numbers, "name": st.text(),
        },
    ),
    until=st.none() | moments,
)  # fmt: skip
def test_whatever_is_typed_is_refused_or_can_be_computed_with(
    db: None, drawn: dict[str, Any], until: datetime | None
) -> None:
    validity = {} if until is None else {"valid_until": until, "valid_days": None}
    campaign = Campaign(pk=1, **SOUND | KEYS | drawn | validity)
    try:
        campaign.full_clean()
    except ValidationError as refused:
        assert all(refused.messages)
        return
    compute_derived_values(snapshot.snapshot_of(campaign))


@pytest.mark.parametrize(
    ("currency", "value", "said"),
    [("KRW", "1000", "1000.00"), ("USD", "9.9", "9.90"), ("KWD", "1.255", "1.255")],
)
def test_amounts_have_the_decimals_of_their_currency(
    draft: Callable[..., Campaign], currency: str, value: str, said: str
) -> None:
    draft("sale", currency=currency, minimum_order=Decimal(value), discount_cap=Decimal(value))
    terms = snapshot.snapshot_of(Campaign.objects.get()).terms
    assert (terms["minimum_order"], terms["cap"], terms["value"]) == (said, said, "10.00")


def test_every_currency_is_three_letters_and_has_its_decimals() -> None:
    assert len(DECIMALS) > 150
    assert all(len(code) == 3 and code.isupper() for code in DECIMALS)
    known = {"KRW": 0, "JPY": 0, "ISK": 0, "CLP": 0, "USD": 2, "EUR": 2, "KWD": 3, "BHD": 3}
    assert known.items() <= DECIMALS.items()


@pytest.mark.parametrize(
    ("field", "value"),
    [("offer_hours", 1), ("offer_hours", 23), ("zone", "localtime"), ("zone", "Factory"),
     ("zone", "nowhere/at-all"), ("zone", "../etc/passwd")],
)  # fmt: skip
def test_an_offer_of_less_than_a_day_and_a_hosts_own_zone_are_refused(
    draft: Any, field: str, value: Any
) -> None:
    with pytest.raises(ValidationError) as refused:
        draft(**{field: value})
    assert set(refused.value.message_dict) == {field}
    draft(offer_hours=24, zone="Europe/Paris")
