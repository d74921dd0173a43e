"""Monitoring: metrics collectors, system checks, capacity, clock skew."""
