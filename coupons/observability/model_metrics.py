"""django-prometheus' metrics of models: objects that are saved and deleted one by one, as the
admin does. Claims and coupons are written in bulk, and counted by metrics of their own."""

from typing import Any

from django.db.models import Model
from django.db.models.signals import post_delete, post_save
from django_prometheus.models import model_deletes, model_inserts, model_updates


def count_writes(*models: type[Model]) -> None:
    """From now on. Not for models whose rows are deleted in bulk: Django would first read each."""
    for model in models:
        for counter in (model_inserts, model_updates, model_deletes):
            counter.labels(model._meta.model_name)  # exported as 0
        post_save.connect(_count_save, sender=model)
        post_delete.connect(_count_delete, sender=model)


def _count_save(sender: type[Model], *, created: bool, **_: Any) -> None:
    (model_inserts if created else model_updates).labels(sender._meta.model_name).inc()


def _count_delete(sender: type[Model], **_: Any) -> None:
    model_deletes.labels(sender._meta.model_name).inc()
