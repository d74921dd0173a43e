"""Numbers with their noun. As `coupons.claims.quantities`, which may not be imported here."""


def counted_noun(count: int, one: str, many: str = "") -> str:
    """`1 claim`, `2,000 claims`. `many`: the plural, unless it is `one` with an s; both may contain
    the verb (`claim was`, `claims were`)."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"
