"""Campaigns: definition, states, slots, opening hold."""
