"""The operators' pages: campaigns with their live counts and verbs, coupons to look up."""
