"""`make demo`: a crowd of clients plays an opening; the result is checked and recorded."""
