"""The campaign's form: saves only changed fields, and shows a refusal with the typed values."""

from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from coupons.admin.campaigns import meanwhile
from coupons.admin.campaigns.field_errors import refusal_error, validity_errors
from coupons.admin.typed import CampaignFormBase
from coupons.campaigns.definition import definition_version
from coupons.errors import CouponError, NeedsConfirmation
from coupons.models import Campaign

# What a shop's checkout goes by. Each has a default, so that none need be sent.
AFTER_CLAIM = (
    "merchant", "rounding", "zone", "returns_to", "expiry_returns", "revives_days",
    "may_give_back", "waitlist_limit", "offer_hours",
)  # fmt: skip
CHANGEABLE = ("stock", "opens_at", "closes_at")  # once a campaign is scheduled


def number_bounds(field: "models.Field[Any, Any]") -> dict[str, int]:
    """`min_value` and `max_value` for a form's field, from the validators of the model's field."""
    bounds: dict[str, int] = {}
    for validator in field.validators:
        if isinstance(validator, MinValueValidator):
            bounds["min_value"] = max(
                validator.limit_value, bounds.get("min_value", validator.limit_value)
            )
        elif isinstance(validator, MaxValueValidator):
            bounds["max_value"] = min(
                validator.limit_value, bounds.get("max_value", validator.limit_value)
            )
    return bounds


class CampaignForm(CampaignFormBase):
    """`refusal`, set by the admin: why the first attempt to save was refused."""

    refusal: CouponError | forms.ValidationError | None = None
    seen_version = ""  # of the definition that the fields were compared with
    confirmed = forms.MultipleChoiceField(
        label=_("Yes, it is meant"), required=False, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = Campaign
        exclude: tuple[str, ...] = ()
        help_texts = {
            "slug": _("The campaign's name in addresses; it can't change once scheduled."),
            "opens_at": _("Exact to the millisecond, by the clock of the Redis server."),
            "closes_at": _("From this moment on nothing is admitted."),
            "valid_until": _("Either this end, or a number of days."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if isinstance(self.refusal, NeedsConfirmation):
            box: Any = self.fields["confirmed"]
            box.choices = self.refusal.questions.items()
        else:
            del self.fields["confirmed"]
        for name in self.fields.keys() & set(AFTER_CLAIM):
            self.fields[name].required = False
        if "stock" in self.fields:
            # Compare with the value this operator saw, not with one that another has saved
            # meanwhile (optimistic lock). MomentField does so itself.
            self.fields["stock"].show_hidden_initial = True

    def add_error(self, field: str | None, error: Any) -> None:
        """Ignore errors of fields that this form does not have: they existed before, or
        `coupons.campaigns.lifecycle` reports them."""
        if field is None and hasattr(error, "error_dict"):
            known = {*self.fields, NON_FIELD_ERRORS}
            error = {name: why for name, why in error.error_dict.items() if name in known}
            if not error:
                return
            error = forms.ValidationError(error)
        super().add_error(field, error)

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if isinstance(self.refusal, NeedsConfirmation):
            raise forms.ValidationError(
                _("Nothing was saved yet: please confirm what is asked below, or change it.")
            )
        if self.refusal is not None:
            raise refusal_error(self.refusal, self.fields)
        if any(name in self.data and name not in self.fields for name in ("slug", *CHANGEABLE)):
            raise forms.ValidationError(
                _("The campaign is %(state)s meanwhile; what was typed here was not saved."),
                params={"state": self.instance.get_state_display()},
            )
        self._demand_seen_values()
        for name, text in validity_errors(cleaned or self.cleaned_data).items():
            self.add_error(name, text)
        return cleaned

    def _demand_seen_values(self) -> None:
        """An edited field whose stored value this operator has not seen is not saved."""
        if self.instance._state.adding:
            return
        self.seen_version = definition_version(self.instance)
        told = meanwhile.changes_meanwhile(self)
        meanwhile.show_stored_values(self, told)
        for name, text in told.items():
            self.add_error(name, text)
