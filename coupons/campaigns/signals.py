"""What modules tell those above them. Connected in `coupons.apps` and nowhere else."""

from django.dispatch import Signal

campaign_changed = Signal()
"""A campaign, or what Redis holds of it, was changed by this process: what the process remembers of
campaigns is out of date. Sent without arguments; receivers must not raise."""
