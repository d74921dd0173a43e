"""Places for named users, the stock that comes back, and the waitlist."""
