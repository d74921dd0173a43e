"""Form field for a moment, in the page's time zone and to the millisecond.

In zones with daylight saving time one hour of the year comes twice, and another one is skipped. An
unchanged field keeps the stored moment; for a time typed in such an hour the form asks which moment
is meant.
"""

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from coupons.admin.formatting import exact_time
from coupons.claims.timestamps import local_time
from coupons.models.bounds import on_the_calendar

# The names of the three inputs: the typed time, the stored moment when the page was shown, the
# choice between two moments.
_TYPED, _SHOWN, _MEANT = "", "shown", "meant"


class MomentInput(forms.MultiWidget):
    """The browser's picker (it accepts three digits of a second's fraction, not six), and a choice
    if the typed time exists twice or not at all."""

    use_fieldset = False

    def __init__(self) -> None:
        picker = forms.DateTimeInput(attrs={"type": "datetime-local", "step": "0.001"})
        super().__init__({_TYPED: picker, _SHOWN: forms.HiddenInput(), _MEANT: forms.Select()})

    def decompress(self, value: datetime | str | None) -> list[str]:
        """Text comes from a URL that prefills the form: `add/?opens_at=…`."""
        if value is None or isinstance(value, str):
            return [value or "", "", ""]
        shown = local_time(value)
        local = shown.replace(tzinfo=None).isoformat(timespec="milliseconds")
        return [local, value.astimezone(UTC).isoformat(), _to_the_millisecond(value).isoformat()]

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        if not isinstance(value, list):
            value = self.decompress(value)
        moments = possible_moments(value[0] or "")
        choice: Any = self.widgets[2]
        choice.choices = [("", "---------")] + [(at.isoformat(), _label(at)) for at in moments]
        context = super().get_context(name, value, attrs)
        inputs = context["widget"]["subwidgets"]
        inputs[0]["attrs"]["id"] = context["widget"]["attrs"].get("id", f"id_{name}")
        inputs[2]["attrs"]["aria-label"] = _("which of the two")
        for hidden in inputs[1:]:
            hidden["attrs"].pop("required", None)
        context["widget"]["subwidgets"] = inputs if len(moments) > 1 else inputs[:2]
        return context

    def id_for_label(self, id_: str) -> str:
        return id_


class MomentField(forms.DateTimeField):
    widget = MomentInput

    def prepare_value(self, value: Any) -> Any:
        return value

    def to_python(self, value: Any) -> datetime | None:
        """The moment in UTC. Raises ValidationError if the value is no moment, or two."""
        if not isinstance(value, list):
            return super().to_python(value)
        typed, shown, meant = (text or "" for text in value)
        stored = _moment(shown)
        if stored is not None and _is_untouched(stored, typed, meant):
            return stored
        local = _parsed(typed)
        if local is None:
            return super().to_python(typed)  # empty, or unreadable
        on_the_calendar(local)
        moments = possible_moments(typed)
        if len(moments) == 1:
            return moments[0]
        chosen = [at for at in moments if at.isoformat() == meant]
        if not chosen:
            raise forms.ValidationError(_which(local, moments[0]), "which")
        return chosen[0]

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare with the moment this operator saw, not with one saved meanwhile by another."""
        try:
            now = self.to_python(data)
        except forms.ValidationError:
            return True
        return now != (shown_moment(data) or initial)


def shown_moment(data: Any) -> datetime | None:
    """The stored moment when the page was shown, of the field's data; None: it is not known."""
    return _moment(data[1] or "") if isinstance(data, list) else None


def possible_moments(typed: str) -> list[datetime]:
    """The moments, in UTC and sorted, that the typed local time can mean: usually one; two in an
    hour that comes twice or is skipped; none if the text is no date."""
    local = _parsed(typed)
    try:
        if local is None:
            return []
        if timezone.is_aware(local):
            return [local.astimezone(UTC)]
        zone = timezone.get_current_timezone()
        both = {local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
        return sorted(both)
    except OverflowError:  # outside the range of datetime
        return []


def _is_untouched(stored: datetime, typed: str, meant: str) -> bool:
    """Browsers write the same time in several ways: 12:00:00.500 as 12:00:00.5."""
    local = local_time(_to_the_millisecond(stored)).replace(tzinfo=None, fold=0)
    return _parsed(typed) == local and meant in ("", _to_the_millisecond(stored).isoformat())


def _to_the_millisecond(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=at.microsecond // 1000 * 1000)


def _parsed(text: str) -> datetime | None:
    try:
        return parse_datetime(text.strip())
    except ValueError:  # well formed, but no date
        return None


def _moment(text: str) -> datetime | None:
    at = _parsed(text)
    try:
        return None if at is None or timezone.is_naive(at) else at.astimezone(UTC)
    except OverflowError:
        return None


def _which(local: datetime, first: datetime) -> str:
    zone = timezone.get_current_timezone_name()
    if local_time(first).replace(tzinfo=None, fold=0) == local:
        text = _("{time} comes twice in {zone}, where the clocks are put back: choose which one.")
    else:
        text = _(
            "{time} does not exist in {zone}, where the clocks are put forward: choose what is "
            "meant, or another time."
        )
    return text.format(time=f"{local:%Y-%m-%d %H:%M:%S}", zone=zone)


def _label(at: datetime) -> str:
    offset = f"{local_time(at):%z}"
    return f"{exact_time(at)}, UTC{offset[:3]}:{offset[3:]}"
