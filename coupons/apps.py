"""Django's app configuration, and the composition root: hooks and signals are connected here."""

import atexit
from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db.backends.signals import connection_created
from django.db.models.signals import pre_save
from django.utils.translation import gettext_lazy as _

from coupons.campaigns.signals import campaign_changed
from coupons.database import query_metrics
from coupons.monitoring import (
    settings_checks,  # noqa: F401 - two of them register themselves
)
from coupons.observability import hot_counters
from coupons.observability.model_metrics import count_writes
from coupons.runtime import runtime


class OperatorsAdminConfig(AdminConfig):
    default_site = "coupons.admin.site.OperatorSite"

    def ready(self) -> None:
        super().ready()
        import_module("coupons.admin.registration")


class CouponsConfig(AppConfig):
    name = "coupons"
    verbose_name = _("Coupons")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        runtime.start_fresh()
        atexit.register(hot_counters.count_and_send)
        # These import models, which Django has loaded by now.
        failover = import_module("coupons.recovery.failover")
        import_module("coupons.admission.queued").verify_servers_with(failover.verify_server)
        hot_counters.send_counts_to(
            import_module("coupons.campaigns.claim_counts").add_claim_counts
        )
        lookup = import_module("coupons.campaigns.lookup")
        sold_out_cache = import_module("coupons.admission.sold_out_cache")
        campaign_changed.connect(lookup.clear_snapshots)
        campaign_changed.connect(sold_out_cache.clear_sold_out_cache)
        connection_created.connect(query_metrics.count_queries)
        pre_save.connect(check_fixture, sender=self.get_model("Campaign"))
        count_writes(
            *(self.get_model(name) for name in ("Campaign", "CampaignEvent", "GivenUp")),
            get_user_model(),
        )


def check_fixture(instance: Any, *, raw: bool, **_: Any) -> None:
    """Validate a row of a fixture, which Django saves without validation. Raises ValidationError
    for what no form would accept."""
    if not raw:
        return
    try:
        instance.full_clean(validate_unique=False)
    except ValidationError as error:
        raise ValidationError(
            [f"{instance.slug}: {message}" for message in error.messages]
        ) from None
