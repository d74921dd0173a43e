"""Check of the TLS certificate that users' clients see: its days left, read from a file or by
connecting to an address. If it expires, clients refuse to connect and no request reaches us."""

import socket
import ssl
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coupons.claims.timestamps import local_text
from coupons.models import Campaign
from coupons.readiness.result import Line, amber, green, grey, red

PATIENCE_S = 3.0
SOON = timedelta(days=14)  # automatic renewal happens earlier
DAY = timedelta(days=1)


def certificate_line(campaign: Campaign) -> Line:
    """Red if it expires within a day after the opening (or after now), if clients don't trust it,
    and in production if there is none."""
    where = settings.SITE_CERTIFICATE
    if settings.PRODUCTION and (plain := _plain_http(where)):
        return plain
    if not where:
        return grey("certificate", _("Not looked at: SITE_CERTIFICATE names none."))
    try:
        return _expiry_line(_expiry(where), campaign)
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:  # closed: it may be restarting
        return _unread(error)
    except (ssl.SSLError, ValueError) as error:
        do = _("Renew it, or correct SITE_CERTIFICATE.")
        return red("certificate", _("Clients refuse it: {why}").format(why=error), do)
    except OSError as error:
        return _unread(error)


def _unread(error: OSError) -> Line:
    do = _("See whether this host may call it; SITE_CERTIFICATE can name a file, too.")
    return amber("certificate", _("It could not be read: {why}").format(why=error), do)


def _plain_http(where: str) -> Line | None:
    """The line for a production site that users can, or may be able to, reach without TLS; else
    None."""
    if settings.PLAIN_HTTP:
        seen = _("Tokens and passwords go unencrypted: PLAIN_HTTP says 'for trying out'.")
        return amber("certificate", seen, _("Never sell like this: give the site a certificate."))
    if not where:
        seen = _("SITE_CERTIFICATE names no certificate, so users may be served without TLS.")
        return red("certificate", seen, _("Set SITE_CERTIFICATE to the site's https address."))
    if where.startswith("http://") or not settings.USERS_ARE_REDIRECTED:
        seen = _("The site is served without TLS.")
        do = _("Set SECURE_SSL_REDIRECT=yes, and SITE_CERTIFICATE to an https address.")
        return red("certificate", seen, do)
    return None


def _expiry_line(expires_at: datetime, campaign: Campaign) -> Line:
    now = timezone.now()
    days = (expires_at - now) // DAY
    seen = ngettext(
        "It serves for {days} more day, until {end}.",
        "It serves for {days} more days, until {end}.",
        days,
    ).format(days=days, end=local_text(expires_at))
    do = _("Renew it.")
    if expires_at < max(now, campaign.opens_at) + DAY:
        return red("certificate", seen, do)
    soon = expires_at < max(now + SOON, campaign.closes_at)
    return amber("certificate", seen, do) if soon else green("certificate", seen)


def _expiry(where: str) -> datetime:
    """When it expires. Raises OSError, ValueError."""
    if where.startswith("https://"):
        return x509.load_der_x509_certificate(_served_certificate(where)).not_valid_after_utc
    return x509.load_pem_x509_certificate(Path(where).read_bytes()).not_valid_after_utc


def _served_certificate(url: str) -> bytes:
    """The certificate (DER) that the server sends, verified as a browser does. Raises OSError."""
    parts = urlsplit(url)
    host, context = parts.hostname or "", ssl.create_default_context()
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # Python's default from 3.13 on, not browsers'
    with (
        socket.create_connection((host, parts.port or 443), timeout=PATIENCE_S) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        return secure.getpeercert(binary_form=True) or b""
