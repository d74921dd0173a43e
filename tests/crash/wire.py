"""HTTP/1.1 of the crowd without a client library, which would take the core that the site needs:
the bytes of a claim, and the parts of an answer.
"""

import socket

RESET = 0  # in place of a status


def claim_request(path: str, token: str, *, keep: bool = True) -> bytes:
    """The request; `keep`: the connection may be used again."""
    end = "" if keep else "Connection: close\r\n"
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n{end}"
        f"Authorization: Bearer {token}\r\n\r\n"
    ).encode()


def read_more(connection: socket.socket) -> bytes:
    """The bytes received; empty if the other side has closed or reset the connection."""
    try:
        return connection.recv(16_384)
    except OSError:
        return b""


def answer_status(reply: bytes, *, ended: bool) -> int | None:
    """The status of a complete answer; RESET if the connection has `ended`; None if incomplete."""
    if ended:
        return RESET
    head, blank, body = reply.partition(b"\r\n\r\n")
    length = head.lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]
    return int(reply[9:12]) if blank and len(body) >= int(length or 0) else None


def has_header(reply: bytes, header: bytes) -> bool:
    """Whether the answer has this header, in lower case, with or without a value:
    b"retry-after:"."""
    return b"\r\n" + header in reply.lower()


def stays_open(reply: bytes, status: int) -> bool:
    """Whether the connection may be used once more after an answer with this status."""
    return status > RESET and not has_header(reply, b"connection: close")


def answer_body(reply: bytes) -> str:
    return reply.partition(b"\r\n\r\n")[2].decode(errors="replace")
