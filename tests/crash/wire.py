"""HTTP/1.1 as crowds speak it, over sockets of their own: a claim as it is sent, an answer as it
comes in. A client library would take the core that the site needs.
"""


def claim(path: str, token: str, *, keep: bool = True) -> bytes:
    """The request; `keep`: more may follow on the same connection."""
    end = "" if keep else "Connection: close\r\n"
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n{end}"
        f"Authorization: Bearer {token}\r\n\r\n"
    ).encode()


def is_whole(heard: bytes) -> bool:
    head, blank, body = heard.partition(b"\r\n\r\n")
    if not blank:
        return False
    length = head.lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]
    return len(body) >= int(length or 0)


def status(heard: bytes) -> int:
    return int(heard[9:12])


def has(heard: bytes, header: bytes) -> bool:
    """`header` in lower case, with or without a value: b"retry-after:"."""
    return b"\r\n" + header in heard.lower()


def stays_open(heard: bytes) -> bool:
    return not has(heard, b"connection: close")


def body(heard: bytes) -> str:
    return heard.partition(b"\r\n\r\n")[2].decode(errors="replace")
