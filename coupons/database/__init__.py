"""Asking the SQL database: availability, error codes, its clock."""
