"""Metrics, log lines, request ids, trace hooks; and circuit breakers."""
