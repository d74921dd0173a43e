"""The WSGI application that granian serves: one door of the site (`config.doors`)."""

import os

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

from config.doors import Door
from config.overload import Shedder
from config.request_guard import RequestGuard

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = RequestGuard(Shedder(get_wsgi_application()))

if settings.PRODUCTION and settings.DOOR is Door.ALL:
    raise ImproperlyConfigured("DOOR names no door: a web process serves `users` or `operators`.")
