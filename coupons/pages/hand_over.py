"""The hand-over: a form of the shop's page posts its user's token."""

import logging
import time
from functools import lru_cache
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, QueryDict

from coupons.errors import BadInput, BadToken, BodyTooLarge, NoToken
from coupons.identity import user_tokens
from coupons.identity.user_tokens import Caller
from coupons.runtime import ProcessState

logger = logging.getLogger(__name__)

LONGEST_TOKEN = 4096  # bytes
LOG_EVERY_S = 1.0


class _LastLine:
    def __init__(self) -> None:
        self.next_s = 0.0  # monotonic


_last_line = ProcessState(_LastLine)


def posted_caller(request: HttpRequest) -> tuple[Caller, str]:
    """The user of the posted token. Raises NoToken, BadToken, BodyTooLarge, BadInput."""
    token = _posted_fields(request).get("token", "")
    if not token or _is_foreign(request):
        raise NoToken("The form has no token.")
    if len(token) > LONGEST_TOKEN:
        raise BadToken("The token is malformed.")
    return user_tokens.verify_token(token), token


def _posted_fields(request: HttpRequest) -> QueryDict:
    """Raises BodyTooLarge, BadInput (too many fields, a form that can't be read)."""
    try:
        return request.POST
    except RequestDataTooBig as error:
        raise BodyTooLarge(str(error)) from error
    except (SuspiciousOperation, BadRequest) as error:
        raise BadInput("body", "can't be read") from error


def _is_foreign(request: HttpRequest) -> bool:
    """Whether a page posted this that is neither the shop's nor ours: it could hand over a token of
    its own, and the visitor would press the button for somebody else. Where no SHOP_LOGIN_URL says
    which page is the shop's, any may."""
    origin = request.headers.get("Origin")
    if origin is None or not settings.SHOP_LOGIN_URL:
        return False
    host = request.get_host()
    own = {f"https://{host}", f"http://{host}"}
    if origin in {_origin_of(settings.SHOP_LOGIN_URL), *settings.CORS_ORIGINS, *own}:
        return False
    _log_refusal(origin)
    return True


def _log_refusal(origin: str) -> None:
    """At most one line a second: anybody can cause one."""
    state, now_s = _last_line.current, time.monotonic()
    if now_s >= state.next_s:
        state.next_s = now_s + LOG_EVERY_S
        logger.warning("a hand-over from %r was refused: see SHOP_LOGIN_URL", origin[:200])


@lru_cache(maxsize=4)
def _origin_of(address: str) -> str:
    """As browsers write it: lower case, without the scheme's own port."""
    parts = urlsplit(address)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    own_port = {"http": 80, "https": 443}[parts.scheme]
    port = "" if parts.port in (None, own_port) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"
