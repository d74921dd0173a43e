"""A site in containers: what the Containerfile copies, and the settings that compose.yaml reads."""
