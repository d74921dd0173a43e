"""A shop's backend in the demo: calls the merchants' API over HTTP, one request after another."""

import http.client
import json
import time
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

from config.development.process.errors import Trouble

MERCHANT = "/api/v1/merchant"
_TIMEOUT_S = 20
_TRIES = 5


class Reply(NamedTuple):
    status: int
    body: Any


class Shop:
    """A connection to a door. A 429 or 503 is asked again after its Retry-After."""

    def __init__(self, url: str, authorization: str) -> None:
        address = urlsplit(url)
        self._connection = http.client.HTTPConnection(
            address.hostname or "", address.port, timeout=_TIMEOUT_S
        )
        self._headers = {"Authorization": authorization, "Content-Type": "application/json"}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._connection.close()

    def post(self, path: str, body: dict[str, Any]) -> Reply:
        """Raises Trouble if the door does not answer."""
        for _try in range(_TRIES):
            try:
                self._connection.request("POST", path, json.dumps(body), self._headers)
                response = self._connection.getresponse()
                reply = Reply(response.status, json.loads(response.read() or b"null"))
            except (OSError, http.client.HTTPException, ValueError) as error:
                self._connection.close()
                raise Trouble(f"{path} was not answered: {error!r}.") from None
            if reply.status not in (429, 503):
                return reply
            time.sleep(int(response.headers.get("Retry-After") or 1))
        return reply


def order_of(code: str, number: int) -> dict[str, str]:
    return {
        "code": code, "order_ref": f"order-{number}", "subtotal": "20000", "currency": "KRW",
    }  # fmt: skip
