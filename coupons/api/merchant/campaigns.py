"""The merchants' campaigns: create, read, change, schedule, pause, resume, close, clone, resize.

A campaign of another merchant is answered as one that does not exist. Every change needs If-Match,
and can be rehearsed by `?dry_run=1`. An opening in the past or unusual terms need a confirmation:
the problem `needs_confirmation` lists questions, whose codes the field `confirmed` confirms.
"""

import time
from collections.abc import Callable
from typing import Any, ClassVar

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from coupons.api.merchant import campaign_schemas as shown
from coupons.api.merchant import idempotency, if_match
from coupons.api.merchant.auth import merchant_caller
from coupons.api.merchant.base_view import MerchantResource
from coupons.api.merchant.body import Fields, Several, Whole, read_body
from coupons.api.merchant.described import described
from coupons.api.merchant.idempotency import Answer
from coupons.api.request_body import number_in_query
from coupons.campaigns import confirmations, definition, lifecycle, shown_definition
from coupons.campaigns.definition import Conditions
from coupons.campaigns.slots import Progress
from coupons.claims.limits import MAX_STOCK, SLUG
from coupons.database import availability
from coupons.errors import (
    BadFields,
    BadInput,
    IllegalTransition,
    SlotsUnfinished,
    UnknownCampaign,
)
from coupons.merchants.api_keys import MerchantCaller
from coupons.models import Campaign, Merchant, Scope

_CONFIRMED = Several(choices=tuple(sorted(confirmations.ALL)), optional=True, default=())
_CREATE: Fields = {**definition.DRAFT_FIELDS, "confirmed": _CONFIRMED}
_CHANGE: Fields = {**definition.CHANGE_FIELDS, "confirmed": _CONFIRMED}
_CLONE: Fields = {**definition.CLONE_FIELDS, "confirmed": _CONFIRMED}
_SCHEDULE: Fields = {"confirmed": _CONFIRMED}
_STOCK: Fields = {"stock": Whole(low=1, high=MAX_STOCK)}
_DATES = "An end given as a date is 24:00 of that day in the campaign's zone."
_CHANGE_PROBLEMS = (404, 409, 412, 428)
_CHANGE_PARAMETERS = (shown.IF_MATCH, shown.DRY_RUN)
REQUEST_S = 20.0  # for making slots; repeating the request continues


def find_campaign(caller: MerchantCaller, slug: str) -> Campaign:
    """Raises UnknownCampaign, also for another merchant's; DatabaseAway."""
    campaign = None
    if SLUG.fullmatch(slug):
        with availability.require_database():
            campaign = Campaign.objects.filter(merchant=caller.merchant_id, slug=slug).first()
    if campaign is None:
        raise UnknownCampaign
    return campaign


class CampaignResource(MerchantResource):
    """Faults of a definition are a problem document, as those of a body."""

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, ValidationError):
            exc = BadFields([*_faults_of(exc)])
        return super().handle_exception(exc)


class Campaigns(CampaignResource):
    scopes: ClassVar = {"GET": Scope.CAMPAIGNS, "POST": Scope.CAMPAIGNS}

    @described(
        "merchant_campaigns",
        "My campaigns, by slug",
        answers={200: (shown.CampaignPage, "A page.", {"results": [shown.CAMPAIGN], "next": None})},
        problems=(400,),
        parameters=shown.PAGE,
        writes=False,
    )
    def get(self, request: Request) -> Response:
        """In the order of their slugs: `?after=slug&limit=100`."""
        caller, limit = merchant_caller(request), _limit(request)
        rows = Campaign.objects.filter(merchant=caller.merchant_id).order_by("slug")
        with availability.require_database():
            page = list(rows.filter(slug__gt=_after(request))[: limit + 1])
        shown = shown_definition.describe_campaigns(page[:limit])
        return Response({"results": shown, "next": page[limit - 1].slug if page[limit:] else None})

    @described(
        "create_campaign",
        "Draft a campaign",
        description=_DATES,
        fields=_CREATE,
        example=shown.CREATE,
        key_needed=True,
        answers={201: (shown.MerchantCampaign, "Drafted; not public yet.", shown.CAMPAIGN)},
    )
    def post(self, request: Request) -> HttpResponse:
        body, caller = read_body(request, _CREATE), merchant_caller(request)

        def create() -> Answer:
            merchant = Merchant.objects.get(pk=caller.merchant_id)
            draft = definition.new_draft(_definition_in(body), merchant=merchant)
            return _created(draft, caller, frozenset(body["confirmed"]))

        return idempotency.answer_once(request, body, create, key_needed=True)


class OneCampaign(CampaignResource):
    scopes: ClassVar = {"GET": Scope.CAMPAIGNS, "PATCH": Scope.CAMPAIGNS}

    @described(
        "merchant_campaign",
        "A campaign",
        description="Its ETag is the version of its definition, for If-Match.",
        answers={200: (shown.MerchantCampaign, "The campaign.", shown.CAMPAIGN)},
        problems=(404,),
        writes=False,
    )
    def get(self, request: Request, slug: str) -> HttpResponse:
        campaign = find_campaign(merchant_caller(request), slug)
        return _shown(campaign).as_response()

    @described(
        "change_campaign",
        "Change a draft, or the window of a public campaign",
        description=_DATES,
        fields=_CHANGE,
        example={"closes_at": "2026-12-07"},
        answers={200: (shown.MerchantCampaign, "As it is now.", shown.CAMPAIGN)},
        problems=_CHANGE_PROBLEMS,
        parameters=_CHANGE_PARAMETERS,
        writes=False,
    )
    def patch(self, request: Request, slug: str) -> HttpResponse:
        """A draft: every field but the slug. Later: the window alone."""
        body, caller = read_body(request, _CHANGE), merchant_caller(request)
        conditions, campaign = if_match.read_conditions(request), find_campaign(caller, slug)
        changed = _revise(campaign, body, caller, conditions)
        return _shown(changed, conditions).as_response()


class Clone(CampaignResource):
    scopes: ClassVar = {"POST": Scope.CAMPAIGNS}

    @described(
        "clone_campaign",
        "Draft a campaign like this one",
        description=_DATES,
        fields=_CLONE,
        example=shown.CLONE,
        key_needed=True,
        answers={201: (shown.MerchantCampaign, "Drafted; not public yet.", shown.CAMPAIGN)},
        problems=(404,),
    )
    def post(self, request: Request, slug: str) -> HttpResponse:
        """A draft with the same definition but for what the body says."""
        body, caller = read_body(request, _CLONE), merchant_caller(request)

        def clone() -> Answer:
            draft = definition.copy_of(find_campaign(caller, slug), _definition_in(body))
            return _created(draft, caller, frozenset(body["confirmed"]))

        return idempotency.answer_once(request, body, clone, key_needed=True)


class Stock(CampaignResource):
    scopes: ClassVar = {"PUT": Scope.CAMPAIGNS}

    @described(
        "set_stock",
        "Raise or lower the stock",
        description="A large stock takes a while: 503 `slots_unfinished` asks to send it again.",
        fields=_STOCK,
        example={"stock": 1500},
        answers={200: (shown.MerchantCampaign, "As it is now.", shown.CAMPAIGN)},
        problems=_CHANGE_PROBLEMS,
        parameters=_CHANGE_PARAMETERS,
        writes=False,
    )
    def put(self, request: Request, slug: str) -> HttpResponse:
        body, caller = read_body(request, _STOCK), merchant_caller(request)
        conditions, campaign = if_match.read_conditions(request), find_campaign(caller, slug)
        if campaign.state == Campaign.State.DRAFT:
            changed = _revise(campaign, body | {"confirmed": confirmations.ALL}, caller, conditions)
        else:
            changed = lifecycle.change_stock(
                slug,
                stock=body["stock"],
                actor=_actor(caller),
                conditions=conditions,
                tell=_stop_in_time(),
            )
        return _shown(changed, conditions).as_response()


class StepResource(CampaignResource):
    """A step of a campaign's life: `POST …/campaigns/{slug}/pause`."""

    scopes: ClassVar = {"POST": Scope.CAMPAIGNS}
    fields: ClassVar[Fields] = {}
    step: ClassVar[Callable[..., Campaign]]

    def post(self, request: Request, slug: str) -> HttpResponse:
        body, caller = read_body(request, self.fields), merchant_caller(request)
        conditions = if_match.read_conditions(request)
        find_campaign(caller, slug)

        def take_step() -> Answer:
            changed = type(self).step(
                slug, actor=_actor(caller), conditions=conditions, **_options(body)
            )
            return _shown(changed, conditions)

        if conditions.is_rehearsal:
            return take_step().as_response()
        return idempotency.answer_after(request, body, take_step)


def _described_step(name: str, summary: str, *, fields: Fields | None = None) -> Any:
    post = described(
        f"{name}_campaign",
        summary,
        fields=fields or {},
        example={},
        answers={200: (shown.MerchantCampaign, "As it is now.", shown.CAMPAIGN)},
        problems=_CHANGE_PROBLEMS,
        parameters=(shown.IF_MATCH,),
    )
    return extend_schema_view(post=post)


@_described_step("schedule", "Make a draft public: it opens by the clock", fields=_SCHEDULE)
class Schedule(StepResource):
    fields = _SCHEDULE
    step = lifecycle.schedule_campaign


@_described_step("pause", "Stop admitting; places given stay given")
class Pause(StepResource):
    step = lifecycle.pause_campaign


@_described_step("resume", "Go on after a pause")
class Resume(StepResource):
    step = lifecycle.resume_campaign


@_described_step("close", "Close now, for good")
class Close(StepResource):
    step = lifecycle.close_campaign


def _options(body: dict[str, Any]) -> dict[str, Any]:
    if "confirmed" not in body:
        return body
    return {"confirmed": frozenset(body["confirmed"]), "tell": _stop_in_time()}


def _definition_in(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "confirmed"}


def _created(draft: Campaign, caller: MerchantCaller, confirmed: frozenset[str]) -> Answer:
    saved = lifecycle.save_draft(draft, actor=_actor(caller), confirmed=confirmed)
    saved.refresh_from_db()
    return _shown(saved, status=201)


def _revise(
    campaign: Campaign, body: dict[str, Any], caller: MerchantCaller, conditions: Conditions
) -> Campaign:
    values, confirmed = _definition_in(body), frozenset(body["confirmed"])
    definition.demand_version(campaign, conditions)
    if campaign.state == Campaign.State.DRAFT:
        definition.apply_values(campaign, values)
        return lifecycle.save_draft(
            campaign, actor=_actor(caller), confirmed=confirmed, conditions=conditions
        )
    _demand_window_only(campaign, values)
    definition.apply_values(campaign, values)
    return lifecycle.reschedule(
        campaign.slug,
        opens_at=campaign.opens_at,
        closes_at=campaign.closes_at,
        actor=_actor(caller),
        confirmed=confirmed,
        conditions=conditions,
    )


def _demand_window_only(campaign: Campaign, values: dict[str, Any]) -> None:
    given = {name for name, value in values.items() if value is not definition.UNSET}
    if given - set(definition.WINDOW):
        raise IllegalTransition(
            f"{campaign.slug} is public: only its window and its stock can change."
        )


def _shown(
    campaign: Campaign, conditions: Conditions = definition.ANY, *, status: int = 200
) -> Answer:
    headers = {"ETag": if_match.etag_of(campaign)}
    if conditions.is_rehearsal:
        headers["Dry-Run"] = "true"
    return Answer(status, shown_definition.describe_campaigns([campaign])[0], headers)


def _actor(caller: MerchantCaller) -> str:
    return f"key {caller.prefix}"


def _limit(request: Request) -> int:
    return number_in_query(
        request.query_params, "limit", default=shown.MOST_PER_PAGE, high=shown.MOST_PER_PAGE
    )


def _after(request: Request) -> str:
    """The last slug of the page before. Raises BadInput."""
    slug = request.query_params.get("after", "")
    if slug and not SLUG.fullmatch(slug):
        raise BadInput("after", "is not one that this list gave")
    return slug


def _stop_in_time() -> Progress:
    until_s = time.monotonic() + REQUEST_S

    def tell(now: int, wanted: int) -> None:
        if now != wanted and time.monotonic() > until_s:
            raise SlotsUnfinished(f"{now} of {wanted} are made. Send it again to go on.")

    return tell


def _faults_of(error: ValidationError) -> Any:
    if not hasattr(error, "error_dict"):
        yield from (("body", text) for text in error.messages)
        return
    for name, texts in error.message_dict.items():
        field = "body" if name == NON_FIELD_ERRORS else name
        yield from ((field, text) for text in texts)
