"""All settings, assembled from one file per subject. Values come from `config.env` only.

Star imports are right here and nowhere else: Django reads every upper-case name of this module.
"""

from config.settings.api import *  # noqa: F403
from config.settings.coupons import *  # noqa: F403
from config.settings.database import *  # noqa: F403
from config.settings.django import *  # noqa: F403
from config.settings.notifications import *  # noqa: F403
from config.settings.pages import *  # noqa: F403
from config.settings.watching import *  # noqa: F403
from config.settings.webhooks import *  # noqa: F403
