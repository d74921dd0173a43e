"""Repair differences between Redis and MySQL: failover, rebuild, reconcile, consistency scan."""
