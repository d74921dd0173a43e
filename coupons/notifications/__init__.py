"""Notifications to operators, by mail and in a chat: held back, sold out, parked, beat dead."""
