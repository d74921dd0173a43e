"""Provisioning of the coupon service on AWS: one spec, one command."""
