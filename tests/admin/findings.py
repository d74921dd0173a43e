"""Messages of system checks."""

from typing import Any


def ids_with_hints(found: list[Any]) -> list[str]:
    for message in found:
        assert message.hint, f"{message.id} says what is wrong and not what to do"
    return [message.id for message in found]
