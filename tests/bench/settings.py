"""The product's settings, unchanged, with one more URL: the stock view's."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "tests.bench.urls"
