"""Helpers of the tests of logging in: a fast hasher that counts its calls, and a login."""

import re
import threading
import time
from io import StringIO
from typing import Any, ClassVar

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.management import call_command
from django.test import Client

LOGIN = "/admin/login/"
RIGHT = "correct horse battery staple"
HASHER = "tests.admin.logins.CountingHasher"


def _set_event() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


class CountingHasher(PBKDF2PasswordHasher):
    """The real hasher with less work; it counts its calls and the most that ran at once."""

    iterations = 2
    takes_s: ClassVar[float] = 0.0
    go_on: ClassVar[threading.Event] = _set_event()  # cleared: each check waits for it
    count: ClassVar[int] = 0
    most_at_once: ClassVar[int] = 0
    _now: ClassVar[int] = 0
    _lock: ClassVar[threading.Lock] = threading.Lock()

    @classmethod
    def reset_counts(cls, *, takes_s: float = 0.0) -> None:
        cls.count = cls.most_at_once = 0
        cls.takes_s = takes_s
        cls.go_on.set()

    def encode(self, password: str, salt: str, iterations: int | None = None) -> Any:
        cls = CountingHasher
        with cls._lock:
            cls.count += 1
            cls._now += 1
            cls.most_at_once = max(cls.most_at_once, cls._now)
        try:
            time.sleep(cls.takes_s)
            cls.go_on.wait(30)
            return super().encode(password, salt, iterations)
        finally:
            with cls._lock:
                cls._now -= 1


def log_in(
    name: str, password: str, *, address: str = "127.0.0.1", browser: Client | None = None,
    language: str = "en",
) -> Any:  # fmt: skip
    return (browser or Client()).post(
        LOGIN, {"username": name, "password": password}, REMOTE_ADDR=address, secure=True,
        headers={"Accept-Language": language},
    )  # fmt: skip


def is_in(answer: Any) -> bool:
    return bool(answer.status_code == 302)


def follow_link(name: str, browser: Client, password: str = RIGHT) -> None:
    """Choose a password by the link that the command prints for an operator who exists."""
    said = StringIO()
    call_command("operator", name, "--link", stdout=said)
    found = re.search(r"(/admin/invitation/\S+)", said.getvalue())
    assert found is not None
    form_path = browser.get(found[1], follow=True, secure=True).redirect_chain[-1][0]
    form = {"new_password1": password, "new_password2": password}
    assert is_in(browser.post(form_path, form, secure=True))
