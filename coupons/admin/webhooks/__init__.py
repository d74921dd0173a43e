"""The admin of webhooks: endpoints and their deliveries."""
