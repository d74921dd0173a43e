"""Merchants: their keys and scopes, and what belongs to whom."""
