"""What became of each attempt at a coupon: refusals are noted, kept, moved to MySQL, and found."""
