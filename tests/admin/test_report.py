"""The proof report's page and files, and the summary on the campaign's own page."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from coupons.admission import strategies
from coupons.campaigns import lifecycle, lookup, sold_out
from coupons.claims.timestamps import milliseconds_of, moment_of
from coupons.claims.values import Claim
from coupons.issuing.drain import drain
from coupons.models import Campaign, CampaignDemand, EventKind, ProofReport
from coupons.proof import report_row, report_words
from tests.conftest import CampaignMaker

pytestmark = pytest.mark.django_db
Url = Callable[..., str]


@pytest.fixture
def sold_out_sale(open_campaign: CampaignMaker) -> Campaign:
    known = open_campaign(stock=2)
    for user in ("ann", "bob", "jun"):
        strategies.admit(known, Claim(user))
    drain("sale", consumer="test")
    sold_out.record_sold_out()
    return Campaign.objects.get()


@pytest.fixture
def closed_sale(sold_out_sale: Campaign) -> Campaign:
    lifecycle.close_campaign("sale", actor="Mina")
    return Campaign.objects.get()


def add_demand(campaign: Campaign) -> None:
    opens_ms = milliseconds_of(campaign.opens_at)
    minute_ms = opens_ms - opens_ms % 60_000
    second = str((opens_ms - minute_ms) // 1000)
    words = {"admitted": 2, "sold_out": 41, "<5": 40, "<10": 3}
    CampaignDemand.objects.create(
        campaign=campaign, minute=moment_of(minute_ms), seconds={second: words}
    )


def test_an_open_campaign_has_a_page_that_says_when(
    operator_client: Client, campaign_url: Url, sold_out_sale: Campaign
) -> None:
    page = operator_client.get(campaign_url("sale", "report"))
    assert "once the campaign is closed" in page.content.decode()
    operator_client.post(campaign_url("sale", "report"))
    assert not ProofReport.objects.exists()


def test_it_is_computed_when_asked_for_and_then_there_at_once(
    operator_client: Client, campaign_url: Url, closed_sale: Campaign
) -> None:
    url = campaign_url("sale", "report")
    assert "Compute it now" in operator_client.get(url).content.decode()
    assert operator_client.post(url)["Location"] == url
    waiting = operator_client.get(url).content.decode()
    assert 'http-equiv="refresh"' in waiting and "<progress" in waiting
    assert report_row.compute_asked(until=lambda: False) == 1
    add_demand(closed_sale)
    shown = operator_client.get(url).content.decode()
    assert "No fault found; 1 of 8 checks could not be made." in shown  # no root is published
    assert "no root is published yet" in shown and "<svg" in shown
    assert "style=" not in shown.partition('<div id="content-main"')[2]  # strict CSP
    korean = operator_client.get(url, headers={"Accept-Language": "ko"}).content.decode()
    assert "문제가 없습니다. 검사 8개 중 1개는" in korean


def test_a_typed_reason_is_on_the_page_for_who_may_see_it_and_never_in_a_file(
    operator_client: Client, read_only_client: Client, campaign_url: Url, sold_out_sale: Campaign
) -> None:
    lifecycle.pause_campaign("sale", actor="Mina", reason="jun called me")
    lifecycle.close_campaign("sale", actor="Mina")
    report_row.ask_report(sold_out_sale)
    report_row.compute_asked(until=lambda: False)
    url = campaign_url("sale", "report")
    assert "paused: jun called me" in operator_client.get(url).content.decode()
    masked = read_only_client.get(url).content.decode()
    assert "paused: •••" in masked and "jun" not in masked
    for name in ("report_html", "report_json"):
        assert b"jun" not in operator_client.get(campaign_url("sale", name)).content


def test_the_files_are_downloaded(
    operator_client: Client, campaign_url: Url, closed_sale: Campaign
) -> None:
    for name in ("report_html", "report_json"):
        assert operator_client.get(campaign_url("sale", name)).status_code == 404
    add_demand(closed_sale)
    report_row.ask_report(closed_sale)
    report_row.compute_asked(until=lambda: False)
    page = operator_client.get(campaign_url("sale", "report_html"))
    figures = operator_client.get(campaign_url("sale", "report_json"))
    assert page["Content-Disposition"] == 'attachment; filename="sale-report.html"'
    assert "<style>" in page.content.decode()
    demand: dict[str, Any] = json.loads(figures.content)["demand"]
    assert (demand["asked"], demand["refused"]) == (43, 41)
    assert (demand["latency"]["p50"], demand["latency"]["p99"]) == (5, 10)
    assert demand["seconds"] == [[0, {"admitted": 2, "sold_out": 41}]]


def test_a_report_that_failed_says_why(
    operator_client: Client, campaign_url: Url, closed_sale: Campaign
) -> None:
    ProofReport.objects.create(campaign=closed_sale, error="The database does not answer.")
    page = operator_client.get(campaign_url("sale", "report")).content.decode()
    assert "The database does not answer." in page and "Compute it now" in page


def test_what_came_of_the_sale_is_on_the_campaigns_page(
    operator_client: Client, campaign_url: Url, sold_out_sale: Campaign
) -> None:
    add_demand(sold_out_sale)
    page = operator_client.get(campaign_url("sale")).content.decode()
    assert 'id="after-sale"' in page and " after the opening" in page
    assert page.count("<svg") > 2  # the kept chart
    report_url = campaign_url("sale", "report")
    assert report_url not in page.partition('id="after-sale"')[2].partition("</section>")[0]
    lifecycle.close_campaign("sale", actor="Mina")
    assert report_url in operator_client.get(campaign_url("sale")).content.decode()


def test_a_raised_stock_is_sold_out_first_and_again_and_the_chart_has_both(
    operator_client: Client, campaign_url: Url, sold_out_sale: Campaign
) -> None:
    opens_at = sold_out_sale.opens_at - timedelta(minutes=4)
    Campaign.objects.update(opens_at=opens_at, sold_out_at=opens_at + timedelta(seconds=4))
    add_demand(Campaign.objects.get())  # in the first second
    lifecycle.change_stock("sale", stock=3, actor="Mina")
    strategies.admit(lookup.find_snapshot("sale"), Claim("mina"))
    drain("sale", consumer="test")
    assert sold_out.record_sold_out() == 1
    CampaignDemand.objects.create(
        campaign=sold_out_sale, minute=(opens_at + timedelta(minutes=4)).replace(second=0),
        seconds={str((opens_at + timedelta(minutes=4)).second): {"admitted": 1, "sold_out": 6}},
    )  # fmt: skip
    shown = operator_client.get(campaign_url("sale")).content.decode()
    panel = shown.partition('id="after-sale"')[2].partition("</section>")[0]
    assert "first sold out" in panel and "4.0 s after the opening" in panel
    assert "sold out again" in panel and "4 min" in panel
    assert max(axis_of(panel)) >= 190
    lifecycle.close_campaign("sale", actor="Mina")
    report_row.ask_report(sold_out_sale)
    report_row.compute_asked(until=lambda: False)
    page = operator_client.get(campaign_url("sale", "report")).content.decode()
    assert "first 4.0 s after the opening, again 4 min" in page


def axis_of(picture: str) -> list[int]:
    """The seconds after the opening that stand below the bars."""
    return [int(text) for text in re.findall(r">([+-]\d+)<", picture)]


def test_bars_of_several_seconds_reach_the_second_time() -> None:
    demand = {"seconds": [[0, {"admitted": 2}], [4, {"sold_out": 9}], [235, {"admitted": 5}]]}
    short, long = (str(report_words.demand_bars(demand, until_s)) for until_s in (0, 240))
    assert (max(axis_of(short)), max(axis_of(long))) == (50, 200)


def test_the_chart_reaches_the_sell_out_or_says_where_it_ends(
    operator_client: Client, campaign_url: Url, sold_out_sale: Campaign
) -> None:
    opens_at = sold_out_sale.opens_at - timedelta(minutes=6)
    opens_at = opens_at.replace(second=0, microsecond=0)
    Campaign.objects.update(opens_at=opens_at, sold_out_at=opens_at + timedelta(seconds=306))
    sold_out_sale.events.filter(kind=EventKind.SOLD_OUT).delete()
    for minute in (0, 5):
        CampaignDemand.objects.create(
            campaign=sold_out_sale, minute=opens_at + timedelta(minutes=minute),
            seconds={"1": {"admitted": 1, "sold_out": 6}, "6": {"admitted": 1}},
        )  # fmt: skip

    def shown_panel() -> str:
        shown = operator_client.get(campaign_url("sale")).content.decode()
        return shown.partition('id="after-sale"')[2].partition("</section>")[0]

    panel = shown_panel()
    assert max(axis_of(panel)) >= 250
    assert "Asked, by time after the opening, in seconds" in panel and "(the first" not in panel
    Campaign.objects.update(opens_at=opens_at, sold_out_at=opens_at + timedelta(hours=2))
    assert "Asked, by second after the opening (the first 7.0 s of 2 h 0 min)" in shown_panel()


def test_a_reports_chart_reaches_the_sell_out() -> None:
    demand = {"seconds": [[0, {"admitted": 2}], [306, {"admitted": 5}], [800, {"sold_out": 5}]]}
    times = {"sold_out_ms": 306_000, "last_admitted_ms": 306_000}
    figures = {"times": times, "demand": demand}
    chart = str(report_words.demand_bars(demand, report_words.shown_until_s(figures)))
    assert 300 > max(axis_of(chart)) >= 250
    assert report_words.demand_title_of(figures) == (
        "Asked, by time after the opening, in seconds (the first 5 min 12 s of 13 min 21 s)"
    )


def test_the_list_says_how_soon_it_sold_out(
    operator_client: Client, sold_out_sale: Campaign
) -> None:
    page = operator_client.get("/admin/coupons/campaign/").content.decode()
    assert "sold out after " in page


def test_while_it_sells_there_is_no_summary(
    operator_client: Client, campaign_url: Url, open_campaign: CampaignMaker
) -> None:
    open_campaign()
    assert 'id="after-sale"' not in operator_client.get(campaign_url("sale")).content.decode()


def test_an_old_demand_is_not_read_for_the_chart(
    operator_client: Client, campaign_url: Url, sold_out_sale: Campaign
) -> None:
    late = sold_out_sale.opens_at + timedelta(minutes=10)
    minute = late.replace(second=0, microsecond=0)
    CampaignDemand.objects.create(
        campaign=sold_out_sale, minute=minute, seconds={"0": {"sold_out": 7}}
    )
    page = operator_client.get(campaign_url("sale")).content.decode()
    assert "Asked, by second" not in page.partition('id="after-sale"')[2]
