"""Admin of campaigns: the list, the form, the buttons and the subpages."""
