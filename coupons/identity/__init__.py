"""Who is asking: the user's token."""
