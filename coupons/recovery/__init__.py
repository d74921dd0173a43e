"""What repairs a campaign whose stores disagree: failover, rebuild, reconcile, consistency scan."""
