"""The typed spec of an environment: read from TOML, judged before any call to AWS."""
