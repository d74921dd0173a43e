"""Login to the admin: lockout, sessions, known browsers."""
