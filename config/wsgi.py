"""The WSGI application that granian serves: one door of the site (`config.doors`)."""

import os
import socket

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.urls import get_resolver

from config import cross_origin
from config.doors import Door
from config.overload import Shedder
from config.request_cycle import RequestCycle
from config.request_guard import RequestGuard
from coupons.monitoring import clock_skew

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)

application: cross_origin.Application = RequestGuard(Shedder(RequestCycle()))
if settings.CORS_ORIGINS and settings.DOOR in cross_origin.DOORS:
    application = cross_origin.CrossOrigin(application, settings.CORS_ORIGINS)

if settings.PRODUCTION and settings.DOOR is Door.ALL:
    raise ImproperlyConfigured(
        "DOOR names no door: a web process serves `users`, `merchants`, `pages` or `operators`."
    )

_ = get_resolver().url_patterns  # imports the views now: no user waits for it
clock_skew.reporter.current.keep_reporting(f"web@{socket.gethostname()}")
