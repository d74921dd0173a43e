"""The work behind the curtain that needs models: prepare, open, watch, read the ledger.

Importing this package sets Django up, so that its modules may import models at the top.
"""

import django

django.setup()
