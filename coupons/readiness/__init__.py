"""Is everything ready for an opening? A board of lines, each with a light, and who acts on it.

`lines` has the words, `campaign`, `redis`, `database`, `workers` and `host` look at one thing each,
`board` puts them together, `warmup` and `guard` act before the opening.
"""
