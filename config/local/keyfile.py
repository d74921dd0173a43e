"""The secrets of this machine: made once, kept in one file that only its owner reads.

The file's lines are `NAME=value`, so that a shell can read them too, for `manage.py` beside a
running `make run`. What the environment says already wins over the file.
"""

import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path


def _master_key() -> str:
    """Its id is as new as the key: an old campaign never gets codes of another key."""
    return f"local{secrets.token_hex(4)}:{secrets.token_hex(32)}"


_MAKERS: dict[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(50),
    "COUPON_KEYS": _master_key,
    "JWT_HS256_SECRET": lambda: secrets.token_urlsafe(48),
    "ADMIN_PASSWORD": lambda: secrets.token_urlsafe(12),
}


def load(path: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """All secrets; those that were nowhere yet are made and written down."""
    kept = _read(path)
    missing = {name: make() for name, make in _MAKERS.items() if name not in kept}
    if missing:
        _write(path, kept | missing)
    return {name: environment.get(name) or (kept | missing)[name] for name in _MAKERS}


def _read(path: Path) -> dict[str, str]:
    lines = path.read_text().splitlines() if path.exists() else []
    return dict(line.split("=", 1) for line in lines if "=" in line)


def _write(path: Path, values: Mapping[str, str]) -> None:
    """All or nothing, and never readable by others, not even for a moment."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.writelines(f"{name}={value}\n" for name, value in values.items())
    part.replace(path)
