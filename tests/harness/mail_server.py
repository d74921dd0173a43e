"""A mail server that speaks SMTP on a socket of its own, and keeps what it gets."""

import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class MailServer:
    """`refusal`: an SMTP answer to every recipient, such as `550 no`; empty: all are accepted.
    `delay_s`: how long it waits before its greeting."""

    port: int = 0
    refusal: str = ""
    delay_s: float = 0.0
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)


@contextmanager
def mail_server() -> Iterator[MailServer]:
    kept = MailServer()

    class Session(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            time.sleep(kept.delay_s)
            self._say("220 ready")
            for line in self.rfile:
                verb = line[:4].upper().strip()
                if verb == b"DATA":
                    self._say("354 go on")
                    self._keep_mail()
                elif verb == b"RCPT":
                    kept.recipients.append(line.decode().partition(":")[2].strip().strip("<>"))
                    self._say(kept.refusal or "250 fine")
                elif verb == b"QUIT":
                    self._say("221 bye")
                    return
                else:
                    self._say("250 fine")

        def _keep_mail(self) -> None:
            lines = []
            for line in self.rfile:
                if line == b".\r\n":
                    break
                lines.append(line)
            parsed = message_from_bytes(b"".join(lines), policy=policy.default)
            assert isinstance(parsed, EmailMessage)
            kept.mails.append(parsed)
            self._say("250 kept")

        def _say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        server.daemon_threads = True
        kept.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield kept
        finally:
            server.shutdown()
