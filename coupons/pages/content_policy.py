"""Headers of the pages: no inline code, no third party, no frame, no cookie."""

from django.conf import settings
from django.http import HttpResponse


def secure_page(page: HttpResponse) -> None:
    """Set the content security policy. The API may be on another origin (PAGES_API_URL)."""
    api = f" {settings.PAGES_API_URL}" if settings.PAGES_API_URL else ""
    page["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        f" connect-src 'self'{api}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    page["X-Frame-Options"] = "DENY"
    page["Referrer-Policy"] = "same-origin"


def forbid_sending(page: HttpResponse) -> None:
    """For a page whose visitor types something that shall not leave the browser."""
    page["Content-Security-Policy"] = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:;"
        " connect-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    )
