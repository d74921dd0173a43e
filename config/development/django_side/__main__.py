"""`python -m config.development.django_side VERB --out FILE [ARG …]`: run one verb and write its
result as JSON."""

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import DatabaseError

from config.development.django_side import campaign, ledger
from coupons.campaigns import lifecycle
from coupons.claims import timestamps
from coupons.errors import CouponError
from coupons.identity import user_tokens
from coupons.merchants import api_keys
from coupons.models import Merchant, MerchantKey, Scope
from coupons.monitoring import server_checks

ADMIN = "admin"
_DAY_S = 86_400
_DEMO_TOKENS_S = 1_800
_SHOP_KEY = "make run"


def migrate(options: argparse.Namespace) -> dict[str, Any]:
    call_command("migrate", interactive=False, verbosity=0)
    return {}


def check(options: argparse.Namespace) -> dict[str, Any]:
    """What `manage.py check --tag stores` reports: messages with their hints, as two lists."""
    messages = [message for run_check in server_checks.SERVERS for message in run_check()]
    return {
        "errors": [_sentence(message) for message in messages if message.is_serious()],
        "warnings": [_sentence(message) for message in messages if not message.is_serious()],
    }


def _sentence(message: CheckMessage) -> str:
    return f"{message.msg} {message.hint} ({message.id})"


def prepare_run(options: argparse.Namespace) -> dict[str, Any]:
    """All that `run` needs beside its servers. Idempotent."""
    migrate(options)
    # Without the compressed copies: they take a minute to make, and the loopback needs none.
    call_command("collectstatic", interactive=False, verbosity=0, post_process=False)
    knows_password = _admin(os.environ["ADMIN_PASSWORD"], is_own=options.own_database)
    opened = campaign.open_campaign("make run")
    token = user_tokens.mint_token(options.user, lifetime_s=_DAY_S)
    return {
        "slug": opened.slug,
        "stock": opened.stock,
        "token": token,
        "key": _shop_key(),
        "admin": knows_password,
    }


def _shop_key() -> str:
    """A new key of the example shop. Earlier ones are revoked: nothing keeps their text."""
    shop = Merchant.objects.get(slug=campaign.RUN_MERCHANT)
    for key in MerchantKey.objects.filter(merchant=shop, name=_SHOP_KEY, revoked=False):
        api_keys.revoke_key(key.prefix)
    scopes = (Scope.READ, Scope.REDEEM, Scope.CAMPAIGNS)
    return api_keys.make_key(shop, name=_SHOP_KEY, scopes=scopes)[1]


def _admin(password: str, *, is_own: bool) -> bool:
    """Create the user `admin`. Returns whether it has this password: an `admin` that exists in a
    database that is not `ours` is not changed."""
    user, is_new = User.objects.get_or_create(username=ADMIN)
    if not user.check_password(password) and (is_new or is_own):
        user.is_staff = user.is_superuser = True
        user.set_password(password)
        user.save()
    return user.check_password(password)


def prepare_opening(options: argparse.Namespace) -> dict[str, Any]:
    """Sign the tokens first, which takes time; then schedule the campaign."""
    people = [f"{options.slug}-{number}" for number in range(1, options.users + 1)]
    signed = [[user, user_tokens.mint_token(user, lifetime_s=_DEMO_TOKENS_S)] for user in people]
    merchant = Merchant.objects.create(slug=options.slug, name="The demo's shop")
    sale = campaign.campaign_opening_in(
        options.slug,
        stock=options.stock,
        ahead_s=options.ahead,
        actor="make demo",
        merchant=merchant,
    )
    scopes = (Scope.READ, Scope.REDEEM, Scope.REVOKE)
    _, key = api_keys.make_key(merchant, name="demo", scopes=scopes, days=1)
    opens_ms = timestamps.milliseconds_of(sale.opens_at)
    return {
        "opens_ms": opens_ms,
        "starts_at": ledger.starts_at(opens_ms),
        "people": signed,
        "key": key,
    }


def prepare_late(options: argparse.Namespace) -> dict[str, Any]:
    """The campaign of the second act whose coupons expire at once, and two users' tokens."""
    slug = f"{options.slug}-late-{options.lasts}"
    users = [f"{slug}-{number}" for number in (1, 2)]
    tokens = [user_tokens.mint_token(user, lifetime_s=_DEMO_TOKENS_S) for user in users]
    merchant = Merchant.objects.get(slug=options.slug)
    late = campaign.late_campaign(slug, merchant, lasts_s=options.lasts)
    return {"slug": late.slug, "tokens": tokens}


def read_lives(options: argparse.Namespace) -> dict[str, Any]:
    return ledger.coupon_lives(options.slug)


def watch_stored(options: argparse.Namespace) -> dict[str, Any]:
    return ledger.wait_for_coupons(options.slug, expected=options.expected)


def read_coupons(options: argparse.Namespace) -> dict[str, Any]:
    return ledger.stored_coupons(options.slug)


def close_campaign(options: argparse.Namespace) -> dict[str, Any]:
    lifecycle.close_campaign(options.slug, actor="make demo")
    return {}


VERBS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    verb.__name__: verb
    for verb in (
        migrate,
        check,
        prepare_run,
        prepare_opening,
        watch_stored,
        prepare_late,
        read_lives,
        read_coupons,
        close_campaign,
    )
}


def main() -> int:
    options = _arguments()
    try:
        result = VERBS[options.verb](options)
    except (CouponError, DatabaseError, ImproperlyConfigured, CommandError) as error:
        print(f"{options.verb}: {error}")  # one sentence; any other exception is a bug: a traceback
        return 1
    part = options.out.with_suffix(".part")
    part.write_text(json.dumps(result))
    part.replace(options.out)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=VERBS)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--slug")
    parser.add_argument("--user")
    parser.add_argument("--users", type=int)
    parser.add_argument("--stock", type=int)
    parser.add_argument("--ahead", type=float, help="seconds until the opening")
    parser.add_argument("--lasts", type=int, help="seconds until the campaign closes")
    parser.add_argument("--expected", type=int)
    parser.add_argument("--own-database", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
