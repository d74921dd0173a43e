"""`make demo`: an opening played by a crowd, judged and written down."""
