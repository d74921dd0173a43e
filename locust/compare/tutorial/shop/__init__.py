"""Peer C: a coupon shop as tutorials build it: SADD, INCR, and one Celery task per request."""

from shop.celery import app

__all__ = ["app"]
