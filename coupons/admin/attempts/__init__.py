"""The page on which support finds why a user has no coupon."""
