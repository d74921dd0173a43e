"""The WSGI application that granian serves."""

import os

from django.core.wsgi import get_wsgi_application

from config.shedding import Shedder

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = Shedder(get_wsgi_application())
