"""Settings, URLs, Celery, health. Imports `coupons`; contains no domain logic."""

from config import wrong_setting

wrong_setting.install_exception_hook()  # before the first setting is read

from config.celery import app as celery_app  # noqa: E402

__all__ = ["celery_app"]
