"""12.6: local times that occur twice or never. A stored moment that is not edited is kept; for a
new one the form asks which is meant."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from coupons.campaigns import lifecycle
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.models import Campaign, CampaignEvent, EventKind
from tests.admin.test_form import ADD, FILLED, Page, form_errors, form_fields

CampaignMaker = Callable[..., CampaignSnapshot]

# Zone, and a moment in the hour that comes twice: as the clocks show it for the first time.
DOUBLED = [
    ("Europe/Berlin", datetime(2027, 10, 31, 0, 30, tzinfo=UTC), timedelta(hours=1)),
    ("Europe/Dublin", datetime(2027, 10, 31, 0, 30, tzinfo=UTC), timedelta(hours=1)),
    ("America/New_York", datetime(2027, 11, 7, 5, 30, tzinfo=UTC), timedelta(hours=1)),
    ("America/St_Johns", datetime(2027, 11, 7, 3, 45, tzinfo=UTC), timedelta(hours=1)),
    ("Australia/Lord_Howe", datetime(2027, 4, 3, 14, 45, tzinfo=UTC), timedelta(minutes=30)),
    ("Pacific/Auckland", datetime(2027, 4, 3, 13, 15, tzinfo=UTC), timedelta(hours=1)),
]
# Zone, what is typed and does not exist, and the two moments that may be meant.
MISSING = [
    ("Europe/Berlin", "2027-03-28T02:30", "2027-03-28 00:30", "2027-03-28 01:30"),
    ("America/New_York", "2027-03-14T02:30", "2027-03-14 06:30", "2027-03-14 07:30"),
    ("Australia/Lord_Howe", "2027-10-03T02:15", "2027-10-02 15:15", "2027-10-02 15:45"),
]


@pytest.fixture(params=DOUBLED, ids=lambda case: case[0])
def moments_shown_alike(request: Any, settings: Any) -> tuple[datetime, datetime]:
    """Two moments that the page shows as the same local time."""
    zone, first, later = request.param
    settings.TIME_ZONE = zone
    second = first + later
    shown = {at.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0) for at in (first, second)}
    assert len(shown) == 1
    return first, second


def parse_utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize("which", [0, 1])
def test_12_6_a_stock_is_raised_while_the_window_closes_in_a_doubled_hour(
    operator_client: Client,
    campaign_url: Page,
    open_campaign: CampaignMaker,
    moments_shown_alike: Any,
    which: int,
) -> None:
    closes_at = moments_shown_alike[which] + timedelta(microseconds=123_456)
    open_campaign("sale", stock=10, closes_at=closes_at)
    typed = form_fields(operator_client, campaign_url("sale")) | {"stock": "20"}
    answer = operator_client.post(campaign_url("sale"), typed)
    assert answer.status_code == 302, form_errors(answer)
    row = Campaign.objects.get()
    assert (row.stock, row.closes_at) == (20, closes_at)
    assert not CampaignEvent.objects.filter(kind=EventKind.RESCHEDULED).exists()


@pytest.mark.parametrize("which", [0, 1])
def test_12_6_a_draft_keeps_its_untouched_moments_to_the_microsecond(
    operator_client: Client,
    campaign_url: Page,
    draft: Callable[..., Campaign],
    moments_shown_alike: Any,
    which: int,
) -> None:
    at = moments_shown_alike[which] + timedelta(microseconds=987_654)
    draft("sale", opens_at=at, closes_at=at + timedelta(days=1), valid_days=None,
          valid_until=at + timedelta(days=365, microseconds=1))  # fmt: skip
    before = Campaign.objects.values("opens_at", "closes_at", "valid_until").get()
    typed = form_fields(operator_client, campaign_url("sale")) | {"name": "Another"}
    assert operator_client.post(campaign_url("sale"), typed).status_code == 302
    assert Campaign.objects.values("opens_at", "closes_at", "valid_until").get() == before


@pytest.mark.parametrize("which", [0, 1])
def test_12_6_an_hour_that_comes_twice_is_asked_about_and_taken_as_chosen(
    operator_client: Client, moments_shown_alike: Any, settings: Any, which: int
) -> None:
    zone = ZoneInfo(settings.TIME_ZONE)
    local = moments_shown_alike[0].astimezone(zone).replace(tzinfo=None)
    typed = FILLED | {
        "opens_at": local.isoformat(),
        "closes_at": (local + timedelta(days=1)).isoformat(),
    }
    answer = operator_client.post(ADD, typed)
    assert f"comes twice in {settings.TIME_ZONE}" in form_errors(answer)
    shown = answer.content.decode()
    offered = [at.isoformat() for at in moments_shown_alike]
    assert all(f'value="{each}"' in shown for each in offered)
    assert operator_client.post(ADD, typed | {"opens_at_meant": offered[which]}).status_code == 302
    assert Campaign.objects.get().opens_at == moments_shown_alike[which]


def test_12_6_the_other_of_two_equal_times_is_a_change(
    operator_client: Client,
    campaign_url: Page,
    open_campaign: CampaignMaker,
    moments_shown_alike: Any,
) -> None:
    open_campaign("sale", closes_at=moments_shown_alike[0])
    shown = operator_client.get(campaign_url("sale")).content.decode()
    assert f'<option value="{moments_shown_alike[0].isoformat()}" selected>' in shown
    typed = form_fields(operator_client, campaign_url("sale")) | {
        "closes_at_meant": moments_shown_alike[1].isoformat(),
        "confirmed": "window_moved",
    }
    assert operator_client.post(campaign_url("sale"), typed).status_code == 302
    assert Campaign.objects.get().closes_at == moments_shown_alike[1]


@pytest.mark.parametrize(("zone", "text", "first", "second"), MISSING)
def test_12_6_an_hour_that_is_left_out_is_asked_about_and_taken_as_chosen(
    operator_client: Client, settings: Any, zone: str, text: str, first: str, second: str
) -> None:
    settings.TIME_ZONE = zone
    typed = FILLED | {"opens_at": text}
    answer = operator_client.post(ADD, typed)
    assert f"does not exist in {zone}" in form_errors(answer)
    for number, choice in enumerate((first, second)):
        chosen = {"slug": f"sale-{number}", "opens_at_meant": parse_utc(choice).isoformat()}
        assert operator_client.post(ADD, typed | chosen).status_code == 302
        assert Campaign.objects.get(slug=f"sale-{number}").opens_at == parse_utc(choice)


@pytest.mark.parametrize("choice", ["yesterday", "2027-10-31T09:00:00+00:00", "0", "\x00"])
def test_12_6_a_choice_that_was_not_offered_is_none(
    operator_client: Client, settings: Any, choice: str
) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    typed = FILLED | {"opens_at": "2027-10-31T02:30", "opens_at_meant": choice}
    assert "comes twice" in form_errors(operator_client.post(ADD, typed))
    once = FILLED | {"opens_at": "2027-10-31T05:30", "opens_at_meant": choice}
    assert operator_client.post(ADD, once).status_code == 302
    assert Campaign.objects.get().opens_at == parse_utc("2027-10-31 04:30")


def test_12_6_a_moment_that_another_operator_moved_meanwhile_stays_moved(
    operator_client: Client,
    campaign_url: Page,
    open_campaign: CampaignMaker,
    moments_shown_alike: Any,
) -> None:
    open_campaign("sale", closes_at=moments_shown_alike[0])
    typed = form_fields(operator_client, campaign_url("sale")) | {"stock": "20"}
    opens_at = Campaign.objects.get().opens_at
    lifecycle.reschedule("sale", opens_at=opens_at, closes_at=moments_shown_alike[1], actor="Theo")
    assert operator_client.post(campaign_url("sale"), typed).status_code == 302
    row = Campaign.objects.get()
    assert (row.stock, row.closes_at) == (20, moments_shown_alike[1])


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Seoul", "Pacific/Kiritimati", "UTC"])
@pytest.mark.parametrize(
    "text", ["9999-12-31T23:59:59.999999", "0001-01-01T00:00", "1999-12-31T00:00"]
)
@pytest.mark.parametrize("name", ["opens_at", "closes_at", "valid_until"])
def test_12_a4_a_moment_at_the_end_of_the_calendar_is_refused_at_its_field(
    operator_client: Client, settings: Any, zone: str, text: str, name: str
) -> None:
    settings.TIME_ZONE = zone
    answer = operator_client.post(ADD, FILLED | {name: text})
    assert "between the years 2000 and 2200" in form_errors(answer)
    assert "between the years" in str(answer.context["adminform"].form.errors[name])
    assert not Campaign.objects.exists()


@pytest.mark.parametrize(
    "shown", ["", "x", "9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+14:00"]
)
def test_a_made_up_stored_moment_is_none(operator_client: Client, shown: str) -> None:
    assert operator_client.post(ADD, FILLED | {"opens_at_shown": shown}).status_code == 302
    assert Campaign.objects.get().opens_at == parse_utc("2099-12-01 03:00:00.250")


@pytest.mark.parametrize("text", ["2099-12-01T12:00:00.250+09:00", "2099-12-01 03:00:00.250Z"])
def test_a_moment_may_name_its_offset(operator_client: Client, text: str) -> None:
    assert operator_client.post(ADD, FILLED | {"opens_at": text}).status_code == 302
    assert Campaign.objects.get().opens_at == parse_utc("2099-12-01 03:00:00.250")
