"""The typed spec of an environment: read from TOML, validated before any call to AWS."""
