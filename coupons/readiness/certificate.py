"""The certificate that users' clients see: how long it still serves, read from a file or from
whoever answers at an address. Everybody is turned away by an expired one, before we hear of it."""

import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from coupons.models import Campaign
from coupons.readiness.lines import Line, amber, green, grey, red

PATIENCE_S = 3.0
SOON = timedelta(days=14)  # whoever renews by itself does so earlier
DAY = timedelta(days=1)


def certificate(campaign: Campaign) -> Line:
    """Red if it does not serve beyond the opening's day, or if clients don't trust it."""
    where = settings.SITE_CERTIFICATE
    if not where:
        return grey("certificate", _("Not looked at: SITE_CERTIFICATE names none."))
    try:
        return _judged(_end(where), campaign)
    except (ssl.SSLCertVerificationError, ValueError) as error:
        do = _("Renew it, or correct SITE_CERTIFICATE.")
        return red("certificate", _("Clients refuse it: {why}").format(why=error), do)
    except OSError as error:
        do = _("See whether this host may call it; SITE_CERTIFICATE can name a file, too.")
        return amber("certificate", _("It could not be read: {why}").format(why=error), do)


def _judged(end: datetime, campaign: Campaign) -> Line:
    now = timezone.now()
    seen = _("It serves for {days} more days, until {end:%Y-%m-%d %H:%M} UTC.").format(
        days=(end - now) // DAY, end=end.astimezone(UTC)
    )
    do = _("Renew it.")
    if end < max(now, campaign.opens_at) + DAY:
        return red("certificate", seen, do)
    soon = end < max(now + SOON, campaign.closes_at)
    return amber("certificate", seen, do) if soon else green("certificate", seen)


def _end(where: str) -> datetime:
    """Raises OSError, ValueError."""
    if where.startswith("https://"):
        return x509.load_der_x509_certificate(_served(where)).not_valid_after_utc
    return x509.load_pem_x509_certificate(Path(where).read_bytes()).not_valid_after_utc


def _served(url: str) -> bytes:
    """As a client would be shown it, and would trust it. Raises OSError."""
    parts = urlsplit(url)
    host, context = parts.hostname or "", ssl.create_default_context()
    with (
        socket.create_connection((host, parts.port or 443), timeout=PATIENCE_S) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        return secure.getpeercert(binary_form=True) or b""
