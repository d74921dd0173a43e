"""Flower's configuration file (its option `--conf`): the login it demands.

Flower's environment variable can't be used: a comma in it would split one login into two.
"""

from config import env

basic_auth = [env.text("FLOWER_LOGIN")]
