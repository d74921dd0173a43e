"""The merchants' API: what a shop's backend calls, with a key."""
