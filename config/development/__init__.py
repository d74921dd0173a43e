"""One machine, one command: everything started, shown and stopped again, and the opening played.

`run` and `demo` are the two verbs. Nothing outside this package knows that it exists. The parent
process never touches Django: what needs models runs in `django_side`, a process of its own with the
same environment as the servers.
"""
