"""Requests as no honest client sends them, byte for byte, and what an answer to one must not be."""

import re

SALE = "/api/v1/campaigns/sale"
VERIFY = "/api/v1/receipts/verify"
_HIDDEN = f"GET {SALE}?smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
_TRACE = re.compile(rb'Traceback|File "|\.py\b|panicked|0x[0-9a-f]{8}')
_ELSEWHERE = re.compile(rb"(?im)^location: *(?:[a-z]+:|[/\\\\]{2})")
OTHER_HOST = "evil.example"


def _request(*headers: str, method: str = "POST", path: str = VERIFY, body: str = "") -> bytes:
    """As bytes, a letter one byte."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers, "", body]
    return "\r\n".join(lines).encode("latin-1")


def _chunked(spelling: str, body: str = f"0\r\n\r\n{_HIDDEN}") -> bytes:
    """A body that ends at its first chunk for one reader, and at its length for another."""
    return _request(f"Content-Length: {len(body)}", spelling, body=body)


def _after_length(*lengths: str) -> bytes:
    """Whoever reads no length takes the hidden request for a second one."""
    return _request(*(f"Content-Length: {each}" for each in lengths), body=_HIDDEN)


# Two readers of these may see a different end: at most one answer, whoever reads them.
AMBIGUOUS = {
    "CL.TE": _chunked("Transfer-Encoding: chunked"),
    "TE.CL": _request("Transfer-Encoding: chunked", "Content-Length: 4",
                      body=f"{len(_HIDDEN):x}\r\n{_HIDDEN}\r\n0\r\n\r\n"),
    **{f"TE {spelling!r}": _chunked(spelling) for spelling in (
        "Transfer-Encoding : chunked", "Transfer-Encoding: xchunked", "Transfer-Encoding:\tchunked",
        "Transfer-Encoding: x\r\n chunked", " Transfer-Encoding: chunked",
        "Transfer-Encoding\r\n : chunked", "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "Transfer-Encoding: CHUNKED",
        "Transfer-Encoding: \x0bchunked", 'Transfer-Encoding: "chunked"',
        "X: y\nTransfer-Encoding: chunked", "X: y\rTransfer-Encoding: chunked",
        "Transfer_Encoding: chunked", "Transfer-Encoding: chunked\x00", "Transfer-Encoding:",
    )},
    **{f"CL {each}": _after_length(*each) for each in (
        ("0", str(len(_HIDDEN))), (str(len(_HIDDEN)), "0"), ("+5",), ("-1",), ("0x1f",), ("5 5",),
        ("1e1",), ("\u00b2",), ("",), ("5;",), ("9" * 40,), (f"{2**64}",), (f"{2**64 + 65}",),
    )},
}  # fmt: skip
_SIZES = ("5;a=b", '5;a="\r\n"', "5 ", " 5", "+5", "-5", "0x5", "5_0", "f" * 17, "5\n", "", "g",
          "5;" + "x" * 20_000, "00000000000000000000005")  # fmt: skip
CHUNKS = {
    f"chunk {size[:12]!r}": _request(
        "Transfer-Encoding: chunked", body=f"{size}\r\nabcde\r\n0\r\n\r\n"
    )
    for size in _SIZES
} | {
    "trailer": _request("Transfer-Encoding: chunked", body="0\r\nHost: evil\r\nX: y\r\n\r\n"),
    "no last chunk": _request("Transfer-Encoding: chunked", body="1\r\na\r\n"),
    "chunk longer than said": _request(
        "Transfer-Encoding: chunked", body="1\r\nabcdef\r\n0\r\n\r\n"
    ),
}


def _get(*headers: str, path: str = SALE, method: str = "GET") -> bytes:
    return _request(*headers, method=method, path=path)


HEADERS = {
    "huge value": _get("X-Long: " + "x" * 70_000),
    "huge name": _get("X" * 70_000 + ": y"),
    "thousands": _get(*(f"X-{n}: y" for n in range(3000))),
    "folded": _get("X-Folded: a\r\n b\r\n\tc"),
    "first line folded": _request(" folded", method="GET", path=SALE),
    "no colon": _get("NoColonAtAll"),
    "no name": _get(": value"),
    "one length twice": _request("Content-Length: 2", "Content-Length: 2", body="{}"),
    "a list of one length": _request("Content-Length: 2, 2", body="{}"),
    "two hosts": _get(f"Host: {OTHER_HOST}"),
    "space in name": _get("X Y: z"),
    **{f"{name} {letter!r}": _get(header.format(letter))
       for letter in ("\x00", "\r", "\n", "\x7f", "\x0b", "\xff")
       for name, header in (("in a name", "X{}Y: z"), ("in a value", "X-Y: a{}b"),
                            ("in a token", "Authorization: Bearer a{}b"))},
    "odd request id": _get("X-Request-Id: \xff\xfe" + "%0d%0aSet-Cookie: a=b"),
    "expect": _request("Expect: 100-continue", "Content-Length: 2",
                       "Content-Type: application/json", body="{}"),
    "expect more": _request("Expect: 200-maybe", "Content-Length: 2", body="{}"),
    "websocket": _get("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
    "h2c": _get("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"),
    "connection names all": _get("Connection: close, Host, Authorization, X-Forwarded-For"),
}  # fmt: skip
TARGETS = {
    **{f"target {target[:24]!r}": _get(path=target) for target in (
        f"http://{OTHER_HOST}{SALE}", f"https://{OTHER_HOST}:1/", f"//{OTHER_HOST}/", "*",
        f"/\\{OTHER_HOST}", f"@{OTHER_HOST}/", "/../../etc/passwd", "/static/../../etc/passwd",
        "/static/%2e%2e/%2e%2e/etc/passwd", "/static/..%2f..%2f..%2fetc/passwd", "/%", "/%zz",
        "/%c3%28", "/%00", "/%0d%0aSet-Cookie:%20a=b", "/%u0041", "/\xec\xbf\xa0", "/a\x00b",
        "/a b", "/a\tb", "/a#b", "/" + "a" * 65_536, "/?" + "a=b&" * 16_384, "/" * 65_536,
        "/admin/login/?next=//" + OTHER_HOST, f"/admin//{OTHER_HOST}/%2f..", "",
    )},
    "CONNECT": _get(path=f"{OTHER_HOST}:443", method="CONNECT"),
    "TRACE": _get("Authorization: Bearer secret-of-mina", method="TRACE"),
    "OPTIONS *": _get(path="*", method="OPTIONS"),
    **{f"method {name[:9]!r}": _get(method=name) for name in (
        "G" * 9000, "GE\x00T", "get", "\xff",
    )},
    "DEBUG": _get(method="DEBUG"),
}  # fmt: skip
VERSIONS = {
    "HTTP/0.9": f"GET {SALE}\r\n\r\n".encode(),
    "HTTP/1.0": f"GET {SALE} HTTP/1.0\r\n\r\n".encode(),
    "HTTP/1.0 chunked": f"POST {VERIFY} HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    f"{_HIDDEN}".encode(),
    **{f"HTTP {version}": f"GET {SALE} {version}\r\nHost: localhost\r\n\r\n".encode()
       for version in ("HTTP/1.2", "HTTP/2.0", "HTTP/3.0", "HTTP/1.10", "HTTP/11", "http/1.1",
                       "HTTP/-1.1", "HTTP/1.1 ", "HTTQ/1.1", "HTTP/1.1\x00")},
    "no host": f"GET {SALE} HTTP/1.1\r\n\r\n".encode(),
    "line feeds alone": f"GET {SALE} HTTP/1.1\nHost: localhost\n\n".encode(),
    "carriage returns alone": f"GET {SALE} HTTP/1.1\rHost: localhost\r\r".encode(),
    "empty lines first": b"\r\n" * 50 + _get(),
    "preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]),
    "TLS": bytes([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]) + bytes(range(256)) * 2,
    "PROXY": b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + _get(),
    "nothing": b"\r\n\r\n",
    "noise": bytes(range(256)) * 20,
}  # fmt: skip
PIPELINED = 50
FORMS = {**AMBIGUOUS, **CHUNKS, **HEADERS, **TARGETS, **VERSIONS, "pipelined": _get() * PIPELINED}


def statuses_of(reply: bytes) -> list[int]:
    """Of the answers in it, without those that only say to go on (100)."""
    return [int(each) for each in _STATUS.findall(reply) if each != b"100"]


def faults_of(name: str, reply: bytes, *, one_answer: bool) -> list[str]:
    """What is wrong with what came back for this form. `one_answer`: two would be a smuggled
    request's."""
    statuses, head = statuses_of(reply), reply.partition(b"\r\n\r\n")[0]
    most = PIPELINED if name == "pipelined" else 1 if one_answer or name not in AMBIGUOUS else 2
    found = [f"status {each}" for each in statuses if each >= 500 and each not in (503, 505)]
    found += [f"{len(statuses)} answers"] if len(statuses) > most and name in JUDGED else []
    found += ["switched protocols"] if 101 in statuses else []
    found += ["a trace"] if _TRACE.search(reply) else []
    found += ["another host"] if _ELSEWHERE.search(head) else []
    found += ["a header of the client's"] if re.search(rb"(?im)^set-cookie: a=b", head) else []
    found += ["echoes a token"] if b"secret-of-mina" in reply else []
    return [f"{name}: {each}, {reply[:200]!r}" for each in found]


JUDGED = {*AMBIGUOUS, *CHUNKS, "pipelined", "HTTP/1.0 chunked"}  # whose number of answers counts
