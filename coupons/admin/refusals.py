"""Tell an operator why a verb was refused, and the audit log that it was."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from coupons.admin.formatting import refusal_text
from coupons.audit import origin
from coupons.errors import CouponError


def show_refusal(request: HttpRequest, refusal: CouponError | ValidationError) -> None:
    """A message on the next page. The request's row in the audit log becomes a refusal."""
    text = refusal_text(refusal)
    messages.error(request, text)
    origin.note_refusal(text)
