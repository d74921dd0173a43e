"""`manage.py merchant create|key|roll|revoke|list`: merchants and the keys of their backends.

Prints JSON. A key is printed once, when it is made or rolled; only its hash is stored.
"""

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from coupons.management.arguments import ASKED_WRONGLY, Line, Several, Text, Whole
from coupons.management.base import SentenceCommand
from coupons.merchants import accounts, api_keys
from coupons.merchants.accounts import UnknownMerchant
from coupons.merchants.api_keys import MOST_OVERLAP_DAYS
from coupons.models import Merchant, MerchantKey, Scope

ACTIONS = ("create", "key", "roll", "revoke", "list")
LONGEST_DAYS = 3_650


class Command(SentenceCommand):
    help = "Create merchants; make, roll and revoke keys; list both as JSON."

    def is_read(self, options: dict[str, Any]) -> bool:
        return bool(options["action"] == "list")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=ACTIONS)
        parser.add_argument(
            "target",
            type=Text(64),
            nargs="?",
            help="create, key, list: the merchant's slug; roll, revoke: the key's prefix",
        )
        parser.add_argument("--name", type=Line(50), help="the merchant's, or the key's")
        parser.add_argument(
            "--scopes", type=Several(Scope.values), help="of a new key: read,redeem,…"
        )
        parser.add_argument(
            "--days", type=Whole(1, LONGEST_DAYS), help="of a new key; else it never expires"
        )
        parser.add_argument(
            "--overlap-days",
            type=Whole(0, MOST_OVERLAP_DAYS),
            default=1,
            help="how long a rolled key still works (default 1)",
        )
        parser.add_argument("--yes", action="store_true", help="confirm without being asked")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["target"] is None and options["action"] != "list":
            message = f"`{options['action']}` needs a name after it."
            raise CommandError(message, returncode=ASKED_WRONGLY)
        try:
            shown = getattr(self, f"_{options['action']}")(options["target"], options)
        except UnknownMerchant as unknown:
            raise CommandError(str(unknown), returncode=ASKED_WRONGLY) from None
        if shown is not None:
            self.stdout.write(json.dumps(shown, ensure_ascii=False, indent=2))

    def _create(self, slug: str, options: dict[str, Any]) -> Any:
        made = accounts.make_merchant(slug, name=options["name"] or slug)
        return accounts.describe_merchant(made)

    def _key(self, slug: str, options: dict[str, Any]) -> Any:
        if not options["scopes"]:
            message = f"Give --scopes, of: {', '.join(Scope.values)}."
            raise CommandError(message, returncode=ASKED_WRONGLY)
        merchant = accounts.find_merchant(slug)
        key, text = api_keys.make_key(
            merchant, name=options["name"] or "key", scopes=options["scopes"], days=options["days"]
        )
        return {"key": text} | accounts.describe_key(key)

    def _roll(self, prefix: str, options: dict[str, Any]) -> Any:
        _demand_key(prefix)
        key, text = api_keys.roll_key(prefix, overlap_days=options["overlap_days"])
        return {"key": text} | accounts.describe_key(key)

    def _revoke(self, prefix: str, options: dict[str, Any]) -> Any:
        key = _demand_key(prefix)
        question = f"Revoke {prefix} ({key.name}) of {key.merchant} for good?"
        if not self.demand_consent(question, is_given=options["yes"]):
            self.stdout.write(f"{prefix} is left as it was.")
            return None
        return accounts.describe_key(api_keys.revoke_key(prefix))

    def _list(self, slug: str | None, options: dict[str, Any]) -> Any:
        shown = [accounts.find_merchant(slug)] if slug else Merchant.objects.all()
        return [accounts.describe_merchant(merchant) for merchant in shown]


def _demand_key(prefix: str) -> MerchantKey:
    key: MerchantKey | None = (
        MerchantKey.objects.select_related("merchant").filter(prefix=prefix).first()
    )
    if key is None:
        raise CommandError(f"There is no key {prefix!r}.", returncode=ASKED_WRONGLY)
    return key
