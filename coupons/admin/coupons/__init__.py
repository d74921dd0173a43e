"""Coupons for operators: the list and the search."""
