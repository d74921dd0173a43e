"""The whole site on one machine: `run` serves it until Ctrl-C, `demo` plays an opening and checks
the result.

Nothing outside this package imports it. The parent process never uses Django: what needs models
runs in `django_side`, a separate process with the same environment as the servers.
"""
