"""Wiring: settings, URLs, Celery, health. Imports `coupons`; holds no domain logic."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
