"""`manage.py campaign VERB [SLUG]`: all that the admin does to campaigns, and JSON in and out.

    campaign create --file lunch.json --merchant shop
    campaign schedule|open|pause|resume|close lunch-1
    campaign stock lunch-1 --stock 500
    campaign reschedule lunch-1 --json '{"closes_at": "2026-12-07"}'
    campaign clone lunch-1 --json '{"slug": "lunch-2", "opens_at": …, "closes_at": …}'
    campaign show lunch-1 [--definition] · campaign list [--merchant shop]
    campaign export lunch-1 [--format csv] [--after 5000]
    campaign undo lunch-1 · campaign close lunch-1 --ask --reason "the sale is over"

`--dry-run` says what a verb would do, and does nothing. `undo` takes back what was done last, for
ten minutes. `close` of a person at the host needs no second one: `--ask` asks for an approval in
the admin.
`show --definition` prints what `create --file -` reads; `export` the coupons, line by line.
"""

import getpass
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from coupons.audit.log import TEXT_CHARS
from coupons.bulk import exports
from coupons.bulk.reading import Format
from coupons.campaigns import confirmations, definition, lifecycle, shown_definition
from coupons.campaigns.definition import Conditions
from coupons.claims.limits import MAX_STOCK
from coupons.database import availability
from coupons.errors import NeedsConfirmation, UnknownCampaign
from coupons.management import progress
from coupons.management.arguments import ASKED_WRONGLY, SLUG, Line, Text, Whole, input_or_stdin
from coupons.management.base import ACTOR, STOCK, SentenceCommand, demand_campaign
from coupons.management.definition_input import MOST_BYTES, read_definition
from coupons.merchants import accounts
from coupons.merchants.accounts import UnknownMerchant
from coupons.models import Campaign
from coupons.operations import approvals, dry_runs, undo, undo_offers

STEPS: dict[str, Callable[..., Campaign]] = {
    "open": lifecycle.open_now,
    "pause": lifecycle.pause_campaign,
    "resume": lifecycle.resume_campaign,
    "close": lifecycle.close_campaign,
}
FINAL = ("close",)  # asks for confirmation, as the admin does
FORECAST = (*STEPS, "schedule", "stock")
REASON_HELP = "of `pause`, `undo` and `--ask`: kept in the history"
READ_JSON = ("create", "clone", "reschedule")
WINDOW_FIELDS = {name: definition.CHANGE_FIELDS[name] for name in definition.WINDOW}


class Command(SentenceCommand):
    help = (
        "Create, schedule, open, pause, resume, close, clone, move or show campaigns, set a stock, "
        "or undo what was done last. Closing is final. A stock that was interrupted is finished by "
        "setting it again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = (*STEPS, *READ_JSON, "schedule", "stock", "show", "list", "export", "undo")
        parser.add_argument("verb", choices=sorted(verbs))
        parser.add_argument("slug", type=SLUG, nargs="?", help="for all but `create` and `list`")
        parser.add_argument("--stock", type=STOCK, help="the new one, for the verb `stock`")
        parser.add_argument("--json", type=Text(MOST_BYTES), help=f"of {', '.join(READ_JSON)}")
        parser.add_argument("--file", type=input_or_stdin, help="the same in a file; -: stdin")
        parser.add_argument("--merchant", type=SLUG, help="whose it is, for `create` and `list`")
        parser.add_argument("--actor", type=ACTOR, help="who did it, for the campaign's history")
        parser.add_argument("--reason", type=Line(TEXT_CHARS), help=REASON_HELP)
        parser.add_argument(
            "--ask", action="store_true", help="of `close`: ask another person to approve it"
        )
        parser.add_argument("--yes", action="store_true", help="confirm without being asked")
        parser.add_argument(
            "--dry-run", action="store_true", help="check everything and write nothing"
        )
        parser.add_argument("--print-json", action="store_true", help="print no sentence but JSON")
        parser.add_argument(
            "--definition", action="store_true", help="of `show`: only what `create` reads"
        )
        parser.add_argument(
            "--format", choices=[kind.value for kind in Format], default="jsonl", help="of `export`"
        )
        parser.add_argument(
            "--after", type=Whole(0, MAX_STOCK), default=0, help="of `export`: from the place above"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        _demand_fitting(options)
        try:
            self._run(options["verb"], options)
        except UnknownMerchant as unknown:
            raise CommandError(str(unknown), returncode=ASKED_WRONGLY) from None
        except NeedsConfirmation as question:
            message = f"{question} To confirm: --yes"
            raise CommandError(message, returncode=ASKED_WRONGLY) from None

    def _run(self, verb: str, options: dict[str, Any]) -> None:
        if verb == "list":
            self._print([shown_definition.describe_campaigns(_listed(options["merchant"]))])
        elif verb == "show" and options["definition"]:
            self._print([definition.describe_definition(_find_campaign(options["slug"]))])
        elif verb == "show":
            found = _find_campaign(options["slug"])
            self._print(shown_definition.describe_campaigns([found]))
        elif verb == "export":
            self._export(_find_campaign(options["slug"]), options)
        elif verb == "undo":
            self._undo(_find_campaign(options["slug"]), options)
        elif options["ask"]:
            self._ask(options)
        elif options["dry_run"] and verb in FORECAST and not options["print_json"]:
            self._tell_forecast(options)
        elif not self._is_confirmed(options):
            self.stdout.write(f"{options['slug']} is left as it was.")
        else:
            self._tell(_change(options), options)

    def _tell(self, campaign: Campaign, options: dict[str, Any]) -> None:
        if options["print_json"]:
            self._print(shown_definition.describe_campaigns([campaign]))
            return
        state = campaign.get_state_display()
        stock = f" with a stock of {campaign.stock:,}" if options["verb"] == "stock" else ""
        if options["dry_run"]:
            self.stdout.write(f"{campaign.slug} would be {state}{stock}; nothing was written.")
        else:
            self.stdout.write(f"{campaign.slug} is {state}{stock} now.")

    def _tell_forecast(self, options: dict[str, Any]) -> None:
        """Raises CommandError with the reason if it would be refused."""
        verb, slug = options["verb"], options["slug"]
        forecast = dry_runs.forecast_verb(verb, slug, actor=_actor(options), **_more(options))
        if forecast.refusal:
            raise CommandError(forecast.refusal)
        for sentence in forecast.sentences:
            self.stdout.write(sentence)
        state = Campaign.State(forecast.state).label
        stock = f" with a stock of {forecast.stock:,}" if verb == "stock" else ""
        self.stdout.write(f"{slug} would be {state}{stock}; nothing was written.")

    def _undo(self, campaign: Campaign, options: dict[str, Any]) -> None:
        offers = undo_offers.offered_undos(campaign)
        if not offers:
            raise CommandError(f"There is nothing to undo of {campaign.slug}.")
        newest = offers[0]
        if options["dry_run"]:
            self.stdout.write(f"{newest.verb.label} of {campaign.slug} would be undone.")
            return
        undo.undo_verb(newest.id, actor=_actor(options), reason=options["reason"] or "")
        self.stdout.write(f"{newest.verb.label} of {campaign.slug} is undone.")

    def _ask(self, options: dict[str, Any]) -> None:
        request = approvals.ask_close(
            options["slug"], actor=_actor(options), reason=options["reason"]
        )
        self.stdout.write(f"To close {options['slug']} waits for an approval: {request.pk}.")

    def _print(self, shown: list[Any]) -> None:
        self.stdout.write(json.dumps(shown[0], ensure_ascii=False, indent=2))

    def _export(self, campaign: Campaign, options: dict[str, Any]) -> None:
        """Its last line says that it is complete."""
        kind = Format(options["format"])
        for chunk in exports.export_coupons(campaign, kind, after=options["after"]):
            self.stdout.write(chunk.decode(), ending="")

    def _is_confirmed(self, options: dict[str, Any]) -> bool:
        """Whether a final verb is confirmed. Raises UnknownCampaign, DatabaseAway; CommandError if
        there is no terminal to ask at."""
        if options["verb"] not in FINAL or options["dry_run"]:
            return True
        demand_campaign(options["slug"])
        question = f"Close {options['slug']} for good? A closed campaign can't be opened again."
        return self.demand_consent(question, is_given=options["yes"])


def _demand_fitting(options: dict[str, Any]) -> None:
    """Raises CommandError for options that go with another verb."""
    verb = options["verb"]
    message = ""
    if (verb == "stock") != (options["stock"] is not None):
        message = "--stock NUMBER goes with the verb `stock`, and with no other."
    elif verb not in READ_JSON and (options["json"] or options["file"]):
        message = f"--json and --file go with the verbs {', '.join(READ_JSON)}."
    elif options["ask"] and (verb != "close" or not options["reason"]):
        message = "--ask goes with the verb `close`, and with --reason."
    elif options["reason"] and verb not in ("pause", "undo") and not options["ask"]:
        message = "--reason goes with the verbs `pause` and `undo`, and with --ask."
    elif verb not in ("create", "list") and options["merchant"]:
        message = "--merchant goes with the verbs `create` and `list`."
    elif (verb in ("create", "list")) == (options["slug"] is not None):
        message = f"`{verb}` takes no slug." if options["slug"] else f"`{verb}` needs a slug."
    if message:
        raise CommandError(message, returncode=ASKED_WRONGLY)


def _change(options: dict[str, Any]) -> Campaign:
    """Raises CouponError, ValidationError, CommandError."""
    verb, slug = options["verb"], options["slug"]
    conditions = Conditions(is_rehearsal=options["dry_run"])
    common = {"actor": _actor(options)}
    confirmed = confirmations.ALL if options["yes"] else frozenset()
    if verb in STEPS:
        return STEPS[verb](slug, conditions=conditions, **common, **_more(options))
    if verb == "create":
        draft = _new_draft(options)
        return lifecycle.save_draft(draft, confirmed=confirmed, conditions=conditions, **common)
    if verb == "clone":
        values = _read(options, definition.CLONE_FIELDS)
        draft = definition.copy_of(_find_campaign(slug), values)
        return lifecycle.save_draft(draft, confirmed=confirmed, conditions=conditions, **common)
    if verb == "reschedule":
        return _reschedule(options, confirmed, conditions, common["actor"])
    tell = progress.of_slots(slug)
    if verb == "stock":
        stock = options["stock"]
        return lifecycle.change_stock(slug, stock=stock, conditions=conditions, tell=tell, **common)
    return lifecycle.schedule_campaign(
        slug, confirmed=confirmed, conditions=conditions, tell=tell, **common
    )


def _actor(options: dict[str, Any]) -> str:
    return options["actor"] or f"{getpass.getuser()}{approvals.AT_A_TERMINAL}"


def _more(options: dict[str, Any]) -> dict[str, Any]:
    """What the verb takes beside its actor."""
    if options["verb"] == "pause":
        return {"reason": options["reason"] or ""}
    return {"stock": options["stock"]} if options["verb"] == "stock" else {}


def _new_draft(options: dict[str, Any]) -> Campaign:
    values = _read(options, definition.DRAFT_FIELDS)
    owner = options["merchant"]
    merchant = accounts.find_merchant(owner) if owner else None
    return definition.new_draft(values, merchant=merchant)


def _reschedule(
    options: dict[str, Any], confirmed: frozenset[str], conditions: Conditions, actor: str
) -> Campaign:
    """A draft's window is edited, a public campaign's is moved."""
    campaign = _find_campaign(options["slug"])
    definition.apply_values(campaign, _read(options, WINDOW_FIELDS))
    if campaign.state == Campaign.State.DRAFT:
        return lifecycle.save_draft(
            campaign, actor=actor, confirmed=confirmed, conditions=conditions
        )
    return lifecycle.reschedule(
        campaign.slug,
        opens_at=campaign.opens_at,
        closes_at=campaign.closes_at,
        actor=actor,
        confirmed=confirmed,
        conditions=conditions,
    )


def _read(options: dict[str, Any], fields: Any) -> dict[str, Any]:
    file: Path | None = options["file"]
    return read_definition(options["json"], file, fields)


def _find_campaign(slug: str) -> Campaign:
    with availability.require_database():
        campaign = Campaign.objects.filter(slug=slug).first()
    if campaign is None:
        raise UnknownCampaign(f"There is no campaign {slug!r}.")
    return campaign


def _listed(merchant: str | None) -> list[Campaign]:
    rows = Campaign.objects.order_by("slug")
    if merchant:
        rows = rows.filter(merchant=accounts.find_merchant(merchant))
    with availability.require_database():
        return list(rows)
