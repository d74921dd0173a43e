"""Flower's own configuration file (its option `--conf`): who may look.

In Flower's environment variable a comma would part one login into two.
"""

from config import env

basic_auth = [env.text("FLOWER_LOGIN")]
