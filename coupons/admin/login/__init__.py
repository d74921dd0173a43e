"""Logging in to the admin: lock-out, sessions, known browsers."""
