"""What a campaign is now: its definition, life, slots and opening."""
