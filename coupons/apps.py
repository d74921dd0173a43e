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
from coupons.observability import hot_counters, refusal_notes
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
        keeping = import_module("coupons.attempts.keeping")
        refusal_notes.hand_notes_to(keeping.keep_refusals, keeping.keep_shed)
        atexit.register(refusal_notes.hand_on_notes)
        lookup = import_module("coupons.campaigns.lookup")
        hot_counters.count_only(lookup.is_cached)
        refusal_cache = import_module("coupons.admission.refusal_cache")
        campaign_changed.connect(lookup.clear_snapshots)
        campaign_changed.connect(refusal_cache.clear_refusals)
        connection_created.connect(query_metrics.count_queries)
        pre_save.connect(check_fixture, sender=self.get_model("Campaign"))
        import_module("coupons.audit.watched").watch_models()
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
