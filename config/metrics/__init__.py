"""The metrics page that Prometheus reads, and how the metrics of a host's processes add up."""
