"""Webhooks: where they may be sent."""

from config import env

# For laptops and tests only; in production a system check refuses both.
WEBHOOKS_PLAIN_HTTP = env.boolean("WEBHOOKS_PLAIN_HTTP", default=False)
WEBHOOKS_LOOPBACK = env.boolean("WEBHOOKS_LOOPBACK", default=False)
# Certificates (PEM) that receivers are verified by, in place of the public ones.
WEBHOOKS_CA_FILE = env.file("WEBHOOKS_CA_FILE")
