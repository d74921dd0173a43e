"""Numbers with their noun. As `coupons.claims.quantities`, which may not be imported here."""

from __future__ import annotations


def counted_noun(count: float, one: str, many: str = "") -> str:
    """`1 host`, `2 hosts`. `many`: the plural, unless it is `one` with an s; both may contain the
    verb (`step needs`, `steps need`)."""
    return f"{count:,.12g} {one if count == 1 else many or f'{one}s'}"
