"""Public pages: an event's page with its button, the list of events, and the embeddable button."""
