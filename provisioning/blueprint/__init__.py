"""The wanted resources of a spec. Pure: no calls, no clock, no randomness."""
