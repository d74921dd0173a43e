"""Django's entry to the app."""

from importlib import import_module

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.utils.translation import gettext_lazy as _

from coupons import checks, statements, wiring  # noqa: F401 - two of them register themselves


class CouponsConfig(AppConfig):
    name = "coupons"
    verbose_name = _("Coupons")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        connection_created.connect(statements.watch)
        import_module("coupons.api.openapi")  # registers itself; needs the apps to be loaded
