"""The HTTP API: validate, call the domain, map the result, respond. It decides nothing."""
