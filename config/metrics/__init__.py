"""How the processes of a host add up their metrics, and the page that Prometheus reads."""
