"""The page of a refusal (403): which right is missing, and a way back.

Django's own views say no more than "not permitted", and so do ours if the right to see is missing:
then the right follows from the page's name."""

from copy import copy
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from coupons.models import Campaign

_OPERATORS = "auth"  # superusers alone see and change these models
_PAGES: dict[str, type[Model]] = {"why": Campaign}  # of the site, not of one model
# What a page does that doesn't only show; `preview`: of a form's terms.
_ACTS = {"add": "add", "preview": "add", "delete": "delete", "password_change": "change"}


def refusal_page(site: AdminSite, request: HttpRequest, denied: PermissionDenied) -> HttpResponse:
    model, page = _model_and_page(site, request)
    right = str(denied) or (_missing_right(site, request, model, page) if model else "")
    context = {"exception": right, "is_for_nobody": model is not None and not right}
    return render(request, "403.html", context | _way_back(request, model), status=403)


def _model_and_page(site: AdminSite, request: HttpRequest) -> tuple[type[Model] | None, str]:
    """`Campaign` and `add` for the page `coupons_campaign_add`."""
    match = request.resolver_match
    name = (match.url_name if match else None) or ""
    for model in site._registry:
        prefix = f"{model._meta.app_label}_{model._meta.model_name}_"
        if name.startswith(prefix):
            return model, name.removeprefix(prefix)
    return _PAGES.get(name), name


def _missing_right(site: AdminSite, request: HttpRequest, model: type[Model], page: str) -> str:
    """Empty: no right opens this page, so nobody may do it."""
    if not _is_open_to_some(site, request, model, page):
        return ""
    if model._meta.app_label == _OPERATORS:
        label = User._meta.get_field("is_superuser").verbose_name
        return "" if request.user.is_superuser else str(capfirst(label))
    changes = page == "change" and request.method == "POST"
    for act in ("change" if changes else _ACTS.get(page, "view"), "view"):
        if not _has_model_right(request, model, act):
            return _right_label(model, act)
    return ""


def _is_open_to_some(site: AdminSite, request: HttpRequest, model: type[Model], page: str) -> bool:
    """Whether one who has every right could add or delete such a row here."""
    if page not in ("add", "delete") or model not in site._registry:
        return True
    of_anybody = copy(request)
    of_anybody.user = User(is_active=True, is_superuser=True)
    model_admin = site._registry[model]
    decides = {"add": model_admin.has_add_permission, "delete": model_admin.has_delete_permission}
    return decides[page](of_anybody)


def _has_model_right(request: HttpRequest, model: type[Model], act: str) -> bool:
    return request.user.has_perm(f"{model._meta.app_label}.{act}_{model._meta.model_name}")


def _right_label(model: type[Model], act: str) -> str:
    labels = {
        "view": _("Can see %(what)s"),
        "add": _("Can add %(what)s"),
        "change": _("Can change %(what)s"),
        "delete": _("Can delete %(what)s"),
    }
    return labels[act] % {"what": model._meta.verbose_name_plural}


def _way_back(request: HttpRequest, model: type[Model] | None) -> dict[str, Any]:
    """The model's list, for who may see it; every page leads home, too."""
    if model is None or not _has_model_right(request, model, "view"):
        return {}
    if model._meta.app_label == _OPERATORS and not request.user.is_superuser:
        return {}
    page = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
    return {"back": reverse(page), "back_label": capfirst(model._meta.verbose_name_plural)}
