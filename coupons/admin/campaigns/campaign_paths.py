"""The addresses of pages below a campaign's."""

from collections.abc import Callable
from typing import Any

from django.urls import URLPattern, path

from coupons.admin.campaigns.without_mysql import answering_without_mysql
from coupons.admin.typed import CampaignBase

Row = tuple[str, str, Callable[..., Any]]


def campaign_paths(page: CampaignBase, *rows: Row) -> list[URLPattern]:
    """For each row (address below the campaign's, end of the URL's name, view): for operators."""
    return [
        path(
            f"<int:pk>/{address}",
            page.admin_site.admin_view(view),
            name=f"coupons_campaign_{name}",
        )
        for address, name, view in rows
    ]


def path_without_mysql(
    page: CampaignBase,
    address: str,
    name: str,
    view: Callable[..., Any],
    without: Callable[..., Any],
) -> URLPattern:
    """As a row of `campaign_paths`; `without`: the answer while MySQL is away."""
    guarded = answering_without_mysql(page.admin_site.admin_view(view), without)
    return path(f"<int:pk>/{address}", guarded, name=f"coupons_campaign_{name}")
