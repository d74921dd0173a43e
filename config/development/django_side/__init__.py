"""The part of `run` and `demo` that needs models: migrate, open a campaign, wait for coupons, read
them.

Importing this package sets Django up, so that its modules may import models at the top.
"""

import django

django.setup()
