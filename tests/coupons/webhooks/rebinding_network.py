"""Run in a network of its own: a name server whose answers change, a public address and a loopback
one with a receiver each, and our sender. Prints what happened as JSON.

    unshare --user --map-root-user --mount --net python -m tests.coupons.webhooks.rebinding_network
"""

import json
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from coupons.webhooks.addresses import SendingRules, parse_target, resolve_target
from coupons.webhooks.sender import post_message
from tests.harness.webhook_receiver import webhook_receiver

NAME, PORT = "hook.example.com", 8000
URL = f"http://{NAME}:{PORT}/"
PUBLIC, INNER, METADATA = "93.184.215.14", "127.0.0.1", "169.254.169.254"
RULES = SendingRules(plain_http=True)
_A = 1


def prepare_network() -> None:
    """Only within namespaces: nothing of it is seen outside."""
    for command in (
        ["ip", "link", "set", "lo", "up"],
        ["ip", "address", "add", f"{PUBLIC}/32", "dev", "lo"],
        ["ip", "address", "add", f"{METADATA}/32", "dev", "lo"],
    ):
        subprocess.run(command, check=True)
    resolver = Path(tempfile.mkdtemp()) / "resolv.conf"
    resolver.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    subprocess.run(["mount", "--bind", str(resolver), "/etc/resolv.conf"], check=True)


class NameServer:
    """Answers each question for the address with the next of `answers`; the last one stays."""

    def __init__(self) -> None:
        self.answers: list[list[str]] = []
        self.questions = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def will_say(self, *answers: list[str]) -> None:
        self.answers, self.questions = list(answers), 0

    def _serve(self) -> None:
        while True:
            query, client = self._socket.recvfrom(512)
            self._socket.sendto(self._response(query), client)

    def _response(self, query: bytes) -> bytes:
        end = query.index(b"\0", 12) + 5
        (kind,) = struct.unpack("!H", query[end - 4 : end - 2])
        found = self._next_answer() if kind == _A else []
        records = b"".join(
            b"\xc0\x0c" + struct.pack("!HHIH", _A, 1, 0, 4) + socket.inet_aton(address)
            for address in found
        )
        counts = struct.pack("!HHHH", 1, len(found), 0, 0)
        return query[:2] + b"\x85\x80" + counts + query[12:end] + records

    def _next_answer(self) -> list[str]:
        self.questions += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def both_receivers() -> Iterator[dict[str, int]]:
    """Yields the number of connections to the inner and to the public one, set at the end."""
    seen: dict[str, int] = {}
    with (
        webhook_receiver(host=INNER, port=PORT) as inner,
        webhook_receiver(host=PUBLIC, port=PORT) as public,
        webhook_receiver(host=METADATA, port=PORT) as metadata,
    ):
        yield seen
        seen.update(public=public.connections, inner=inner.connections + metadata.connections)


def sent(names: NameServer, *answers: list[str], attempts: int = 1) -> dict[str, object]:
    names.will_say(*answers)
    with both_receivers() as seen:
        results = [post_message(URL, b"{}", {}, RULES).result.value for _ in range(attempts)]
    return {"results": results, "questions": names.questions, **seen}


def checked_and_then_sent_by_name(names: NameServer) -> dict[str, object]:
    """The negative control: the address is checked, and looked up again to be dialled."""
    names.will_say([PUBLIC], [INNER])
    with both_receivers() as seen:
        resolve_target(parse_target(URL, RULES), RULES)
        requests.post(URL, data=b"{}", timeout=5)
    return dict(seen)


def main() -> int:
    prepare_network()
    names = NameServer()
    json.dump(
        {
            "rebound": sent(names, [PUBLIC], [INNER], attempts=2),
            "one of them inner": sent(names, [PUBLIC, INNER]),
            "inner first": sent(names, [INNER, PUBLIC]),
            # Without a route: the resolver puts it behind the public one.
            "private last": sent(names, [PUBLIC, "10.9.9.9"]),
            "metadata": sent(names, [METADATA]),
            "control": checked_and_then_sent_by_name(names),
        },
        sys.stdout,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
