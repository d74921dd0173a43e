"""doctor's questions: can this environment be made here, with these credentials?"""
