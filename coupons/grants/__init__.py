"""Places that are given to named users: by an operator, a merchant or the waitlist."""
