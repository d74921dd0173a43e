"""The requests that wait for this operator's decision: for the menu's number and the home page."""

from django.db.models import QuerySet
from django.http import HttpRequest

from coupons.admin.rights import has_right
from coupons.database.availability import require_database
from coupons.errors import DependencyAway
from coupons.models import ApprovalRequest
from coupons.models.rights import Right
from coupons.operations import approvals

# Beside the right to approve: the verb's own.
NEEDED = {
    ApprovalRequest.Verb.CLOSE: Right.CLOSE,
    ApprovalRequest.Verb.GIVE_UP: Right.GIVE_UP,
    ApprovalRequest.Verb.REVOKE: Right.APPROVE,
}


def waiting_requests(request: HttpRequest) -> QuerySet[ApprovalRequest]:
    """Open requests that this operator may approve, the oldest first."""
    verbs = [verb for verb, right in NEEDED.items() if has_right(request, right)]
    if not has_right(request, Right.APPROVE) or not verbs:
        return ApprovalRequest.objects.none()
    found = approvals.requests_for(request.user.get_username()).filter(verb__in=verbs)
    return found.select_related("campaign")


def count_waiting(request: HttpRequest) -> int:
    """Read once for a request; 0 while the database does not answer."""
    known: int | None = vars(request).get("waiting_requests")
    if known is None:
        try:
            with require_database():
                known = waiting_requests(request).count()
        except DependencyAway:
            known = 0
        vars(request)["waiting_requests"] = known
    return known
