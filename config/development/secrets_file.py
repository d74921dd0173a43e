"""The secrets of this machine: generated once, kept in one file that only its owner can read.

`config.env` loads them for programs beside `make run`: manage.py, a Celery worker, a web process.
Variables of the environment take precedence over the file.
"""

import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from config import env_files
from config.development.process.errors import Trouble

NAME = "local.env"


def _master_key() -> str:
    """A new key gets a new id: so an old campaign never gets codes of another key."""
    return f"local{secrets.token_hex(4)}:{secrets.token_hex(32)}"


_MAKERS: dict[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(50),
    "COUPON_KEYS": _master_key,
    "JWT_HS256_SECRET": lambda: secrets.token_urlsafe(48),
    "ADMIN_PASSWORD": lambda: secrets.token_urlsafe(12),
}


def load_secrets(path: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """All secrets. Those that the file lacks are generated and added to it. Raises Trouble if it
    can't be read."""
    stored = _read(path)
    missing = {name: make() for name, make in _MAKERS.items() if name not in stored}
    if missing:
        _write(path, stored | missing)
    return {name: environment.get(name) or (stored | missing)[name] for name in _MAKERS}


def _read(path: Path) -> dict[str, str]:
    try:
        return env_files.read_env_file(path)
    except env_files.Unreadable as error:
        raise Trouble(str(error)) from None


def _write(path: Path, values: Mapping[str, str]) -> None:
    """Write atomically, with mode 0600 from the moment of creation."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.writelines(f"{name}={value}\n" for name, value in values.items())
    part.replace(path)
