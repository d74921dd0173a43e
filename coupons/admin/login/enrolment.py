"""Who may set up a second factor, and with which key.

A password alone sets up none, or the first one who has it could enrol a device of their own. It
takes the one-time link that `manage.py operator` prints: who followed it chose the password in this
session, and may enrol in it. The key is made for this session and kept in it, so nobody else has
seen it; the device is created when a code has confirmed it.
"""

from secrets import token_hex

from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare
from django_otp.plugins.otp_totp.models import TOTPDevice

from coupons.admin.login import second_factor
from coupons.audit.client_address import client_network
from coupons.database import clock

_INVITED, _KEY = "may_enrol", "enrolment_key"  # in the session
_KEY_BYTES = 20  # RFC 4226, 4: as long as SHA-1


def invite_session(request: HttpRequest, user: User) -> None:
    """This session has just chosen the password by a link. Bound to that password: of two that
    used a link at the same moment, the one whose password stands may enrol."""
    request.session.flush()  # a login in it ends; the next one would discard the mark with it
    request.session[_INVITED] = user.get_session_auth_hash()


def is_invited(request: HttpRequest, user: User) -> bool:
    mark = request.session.get(_INVITED, "")
    return isinstance(mark, str) and constant_time_compare(mark, user.get_session_auth_hash())


def candidate_device(request: HttpRequest, user: User) -> TOTPDevice:
    """The device whose key this session is shown; it is in no table."""
    if _KEY not in request.session:
        request.session[_KEY] = token_hex(_KEY_BYTES)
    return TOTPDevice(user=user, key=request.session[_KEY])


def confirm_candidate(request: HttpRequest, user: User, typed: str) -> TOTPDevice | None:
    """Create the device if this is a code of this session's key; None: it is not. All other
    sessions of this operator end."""
    key = request.session.get(_KEY)
    if not isinstance(key, str) or not is_invited(request, user):
        return None
    device = second_factor.create_device(user, key, typed, client_network(request))
    if device is not None:
        for name in (_INVITED, _KEY):
            request.session.pop(name, None)
        _end_sessions(user, but=str(request.session.session_key))
    return device


def _end_sessions(user: User, *, but: str) -> None:
    """A session names its operator only inside its text, so each one is read: operators are few."""
    for session in Session.objects.filter(expire_date__gt=clock.read_now()).exclude(pk=but):
        if session.get_decoded().get("_auth_user_id") == str(user.pk):
            session.delete()
