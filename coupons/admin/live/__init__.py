"""The live page of a campaign: what the stores say now, and one verdict on it."""
