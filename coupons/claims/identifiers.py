"""Identifiers that sort by the time of their making: UUID version 7 (RFC 9562)."""

import os
import time
from uuid import UUID


def make_uuid7() -> UUID:
    """A new UUID: 48 bits of this host's clock in ms, then 74 random bits. Its order is only a
    convenience for indexes: no decision depends on it."""
    value = (time.time_ns() // 1_000_000 & (1 << 48) - 1) << 80 | int.from_bytes(os.urandom(10))
    value = value & ~(0xF << 76) | 7 << 76  # version
    return UUID(int=value & ~(3 << 62) | 2 << 62)  # variant
