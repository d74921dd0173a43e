"""Campaigns for operators: the list, the form, the buttons and the pages below."""
