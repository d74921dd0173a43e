"""Secrets as generators draw them, and a site that uses them, for the tests of secrets."""

import string
import subprocess
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.infra import rendered_roles, templating

NAMES = list(rendered_roles.SECRETS)
# As a play has them on a host of the site.
SITE: dict[str, Any] = rendered_roles.SITE | {
    "coupon_address": "10.0.1.1", "redis_broker_password_parameter": "redis_password",
    "groups": {"api": ["a"], "consumer": ["c"]},
    "hostvars": {"a": {"private_ip": "10.0.1.1"}}, "group_names": ["api"],
    "coupon_api_workers": 2, "coupon_consumer_processes": 2,
    "coupon_cors_origins": ["https://shop.example"],
    "playbook_dir": str(templating.ANSIBLE),
}  # fmt: skip
PRINTABLE = string.ascii_letters + string.digits + string.punctuation + " "
NASTY = """ 'a'\"b\"/+?#@:%41$HOME`id`\\n{{ x }}{% y %}{# z #}!&;|<>~=,[]()^*- """
# Sixty characters, as a password manager draws them; and text of any language.
drawn = st.text(PRINTABLE, min_size=32, max_size=60)
text = st.text(
    st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufdd0"), min_size=1
).map(lambda drawn_text: drawn_text + "x" * 40)
anything = (drawn | text).filter(lambda drawn_text: not templating_unfit(drawn_text))
patiently = settings(
    deadline=None, suppress_health_check=list(HealthCheck), max_examples=300, derandomize=True
)


def templating_unfit(value: str) -> str:
    return str(templating.our_filters()["coupon_unfit"](value))


def shares_with(message: str, secret: str, *, least: int) -> bool:
    """Whether the message contains a part of the secret of that length."""
    return any(secret[at : at + least] in message for at in range(len(secret) - least + 1))


def run_playbook(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a playbook with the vault of this folder."""
    return rendered_roles.run_ansible(
        "playbook", "-e", f"@{folder / 'vault.yml'}",
        *(str(folder / word) if word == "play.yml" else word for word in words), folder=folder,
    )  # fmt: skip
