"""doctor's checks: can this environment be created in this account, with these credentials?"""
