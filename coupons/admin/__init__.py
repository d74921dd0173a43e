"""The admin: campaigns with live counts and commands, and the search for coupons."""
