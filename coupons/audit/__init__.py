"""What was done to a campaign, by whom and when."""
