"""What operators do to campaigns and lists: forecast, undone, approved. See README.md."""
