"""What the outside sees: metrics, log lines, ids of requests, circuit breakers."""
