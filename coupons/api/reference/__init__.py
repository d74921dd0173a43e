"""What the API's description (openapi.json, the docs page) says beyond its schemas: groups of
operations, and each problem with its cause and what a client should do."""
