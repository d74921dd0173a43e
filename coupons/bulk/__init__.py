"""Work on many lines in the background, and exports."""
