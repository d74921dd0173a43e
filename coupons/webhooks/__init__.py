"""Webhooks: the outbox, its endpoints, and the sender of deliveries."""
