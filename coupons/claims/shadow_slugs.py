"""Slugs of shadow campaigns, on which a dress rehearsal is held: random, nobody guesses one."""

import re
import secrets

_FORM = re.compile(r"rehearsal-[0-9a-f]{20}")


def new_shadow_slug() -> str:
    return f"rehearsal-{secrets.token_hex(10)}"


def is_shadow_slug(slug: str) -> bool:
    return _FORM.fullmatch(slug) is not None
