"""The HTTP API: validate the request, call the domain, map the result, respond. It decides nothing."""
