"""Signals to packages of higher levels. Connected in `coupons.apps` and nowhere else."""

from django.dispatch import Signal

campaign_changed = Signal()
"""This process changed a campaign or its data in Redis: caches of campaigns are out of date. Sent
without arguments; receivers must not raise."""
