"""A campaign's history: what was done to it, by whom and when."""
