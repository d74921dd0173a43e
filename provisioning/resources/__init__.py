"""One class per kind of AWS resource: how to find it, make it, change it, remove it."""
