"""The WSGI application that granian serves: one door of the site (`config.doors`)."""

import gc
import os
import socket

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.urls import get_resolver

from config import cross_origin, security_headers, served_environment
from config.doors import Door
from config.lean_imports import import_without
from config.overload import Shedder
from config.request_cycle import RequestCycle
from config.request_guard import RequestGuard
from coupons.monitoring import clock_skew

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
gc.disable()  # what is imported stays: looking through it again and again took a tenth of a start
django.setup(set_prefix=False)
if settings.DOOR not in (Door.OPERATORS, Door.ALL):
    # It would load requests for its test client: a tenth of a start, and 5 MB of every process.
    import_without("requests", module="rest_framework.compat")

application: cross_origin.Application = RequestGuard(Shedder(RequestCycle()))
if settings.CORS_ORIGINS and settings.DOOR in cross_origin.DOORS:
    application = cross_origin.CrossOrigin(application, settings.CORS_ORIGINS)
application = security_headers.SecurityHeaders(
    application,
    hsts=security_headers.strict_transport(
        settings.SECURE_HSTS_SECONDS,
        subdomains=settings.SECURE_HSTS_INCLUDE_SUBDOMAINS,
        preload=settings.SECURE_HSTS_PRELOAD,
    ),
)

if settings.PRODUCTION and settings.DOOR is Door.ALL:
    raise ImproperlyConfigured(
        "DOOR names no door: a web process serves `users`, `merchants`, `pages` or `operators`."
    )

_ = get_resolver().url_patterns  # imports the views now: no user waits for it
gc.enable()
if served_environment.is_served():
    served_environment.hide_settings()
clock_skew.reporter.current.keep_reporting(f"web@{socket.gethostname()}")
