"""The address of the tested site: scheme, host and port only.

Requests add their own paths to it, in two ways (`people.Caller`): a path in the address would be
sent by one of them and dropped by the other.
"""

from urllib.parse import SplitResult, urlsplit


class NoAddress(ValueError):
    """The address is not valid; the message is for the person who gave it."""


def site_address(text: str) -> str:
    """`http://host:port`, without the slash at its end. Raises NoAddress."""
    parts = _parts(text.strip())
    if parts is None:
        raise NoAddress(f"{text!r} is no address of a site, such as http://127.0.0.1:8080.")
    if extra := _beside_host(parts):
        raise NoAddress(
            f"{text!r} has {extra}: give scheme, host and port only, such as http://127.0.0.1:8080."
        )
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")


def _parts(text: str) -> SplitResult | None:
    """None: not an HTTP address."""
    if not text.isprintable() or any(sign.isspace() or sign == "\\" for sign in text):
        return None
    try:
        parts = urlsplit(text)
        is_one = parts.scheme in ("http", "https") and bool((parts.hostname or "").encode("idna"))
        return parts if is_one and parts.port != 0 else None
    except ValueError:  # also for a port that is no number, or an invalid host name
        return None


def _beside_host(parts: SplitResult) -> str:
    """Names of the parts that an address must not have; not their text, which may be a password."""
    parts_present = {
        "a user or a password": "@" in parts.netloc,
        "a path": bool(parts.path.strip("/")),
        "a query": bool(parts.query),
        "a fragment": bool(parts.fragment),
    }
    return " and ".join(name for name, is_there in parts_present.items() if is_there)
