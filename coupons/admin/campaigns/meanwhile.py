"""Two operators, one field: who saves second is told what the first one saved.

A form carries what it showed (`initial-stock`, `opens_at_shown`). If another value is stored then,
nothing is saved; the answer shows the stored value, and sending that saves.
"""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from coupons.admin.campaigns.moments import shown_moment
from coupons.admin.formatting import exact_time, grouped_number

WATCHED = ("stock", "opens_at", "closes_at")


def changes_meanwhile(form: Any) -> dict[str, str]:
    """By field: what to tell the operator who has edited it and did not see its stored value. The
    form's instance is as stored."""
    told = {}
    for name in form.changed_data:
        if name not in WATCHED or name not in form.cleaned_data:
            continue
        seen, stored = _seen_value(form, name), getattr(form.instance, name)
        if seen is not None and stored not in (seen, form.cleaned_data[name]):
            told[name] = meanwhile_text(stored)
    return told


def show_stored_values(form: Any, names: Any) -> None:
    """Let the form's hidden fields carry the stored values: to send it again overwrites them."""
    data = form.data.copy()
    for name in names:
        stored = getattr(form.instance, name)
        if name == "stock":
            data[form.add_initial_prefix(name)] = str(stored)
        else:
            data[f"{form.add_prefix(name)}_shown"] = stored.isoformat()
    form.data = data


def meanwhile_text(stored: int | datetime) -> str:
    shown = grouped_number(stored) if isinstance(stored, int) else exact_time(stored)
    text = _("It was set to {} meanwhile, so nothing was saved. Save again to overwrite that.")
    return text.format(shown)


def _seen_value(form: Any, name: str) -> int | datetime | None:
    """As the page showed it; None: the request does not say."""
    field = form.fields[name]
    if name != "stock":
        data = field.widget.value_from_datadict(form.data, form.files, form.add_prefix(name))
        return shown_moment(data)
    hidden = field.hidden_widget()
    text = hidden.value_from_datadict(form.data, form.files, form.add_initial_prefix(name))
    try:
        seen: int | None = field.to_python(text)
    except ValidationError:
        return None
    return seen
