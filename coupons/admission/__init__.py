"""The decision about a claim, by either strategy."""
