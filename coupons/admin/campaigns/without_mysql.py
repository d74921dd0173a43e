"""Views that go on while MySQL does not answer, for who was let see campaigns a moment ago."""

from collections.abc import Callable
from functools import update_wrapper

from django.http import HttpRequest, HttpResponse

from coupons.admin.login import recent_sessions, sessions
from coupons.database import availability, error_codes
from coupons.errors import DatabaseAway

View = Callable[[HttpRequest, int], HttpResponse]


def answering_without_mysql(guarded: View, without: View) -> View:
    """`guarded`: the view, behind the check of the operator's rights. `without`: its answer while
    MySQL is away; it may raise DatabaseAway."""

    def answer(request: HttpRequest, pk: int) -> HttpResponse:
        try:
            with availability.require_database():  # its breaker spares others the wait
                bool(request.user.is_authenticated)
            response = guarded(request, pk)
        except Exception as error:
            if not _is_away(error) or not recent_sessions.is_remembered(request):
                raise
            sessions.leave_session(request)
            return without(request, pk)
        _note_answer(request, response)
        return response

    return update_wrapper(answer, guarded)


def _is_away(error: Exception) -> bool:
    return isinstance(error, DatabaseAway) or error_codes.is_away(error)


def _note_answer(request: HttpRequest, response: HttpResponse) -> None:
    if response.status_code == 200:
        recent_sessions.remember_session(request)
    elif response.status_code in (302, 403):
        recent_sessions.forget_session(request)
