"""Settings that every claim reads, as plain attributes.

Django's own object takes a third of a microsecond for each reading, and a claim reads ten.
"""

from typing import Any

from django.conf import settings as django_settings
from django.core.signals import setting_changed


class _Quick:
    """Each is read from Django's when first asked for, and again after a test changed it."""

    def __getattr__(self, name: str) -> Any:
        value = getattr(django_settings, name)
        setattr(self, name, value)
        return value

    def forget(self, *, setting: str, **_: object) -> None:
        self.__dict__.pop(setting, None)


settings = _Quick()
setting_changed.connect(settings.forget)
