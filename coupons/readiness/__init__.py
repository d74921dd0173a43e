"""Preflight checks of an opening: a board of lines, each with a light, and the guard that acts.

`result` defines a line; `campaign`, `queue`, `redis`, `clocks`, `database`, `workers`, `host` and
`certificate` check one subject each; `board` collects the lines; `warmup` and `guard` act before
the opening.
"""
