"""The list of what waits for a second person, and the page that decides."""
