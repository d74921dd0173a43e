"""The admin of merchants and of the keys of their backends."""
