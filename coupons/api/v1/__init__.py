"""Version 1 of the users' API."""
