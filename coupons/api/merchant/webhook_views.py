"""A merchant's webhook endpoints, their deliveries, tests and replays."""

from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

import orjson
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from coupons.api.merchant import webhook_bodies
from coupons.api.merchant import webhook_schemas as shown
from coupons.api.merchant.auth import merchant_caller
from coupons.api.merchant.base_view import MerchantResource
from coupons.api.merchant.body import Fields, Flag, Several, Text, Whole, read_body
from coupons.api.merchant.described import described
from coupons.api.merchant.idempotency import Answer, answer_once, is_dry_run
from coupons.api.openapi import limit_parameter
from coupons.api.request_body import number_in_query
from coupons.database.availability import require_database
from coupons.errors import BadInput, UnknownWebhook
from coupons.models import DeliveryState, Scope, WebhookDelivery, WebhookEndpoint
from coupons.webhooks import addresses, endpoints, events, signatures

MOST_LISTED = 200
MOST_ID = 2**63 - 1  # of a message
_URL = Text(addresses.MOST_URL_CHARS)
_TYPES = Several(choices=events.PATTERNS, optional=True, default=())
_DAY_S, _WEEK_S = 86_400, 604_800
_NEW: Fields = {"url": _URL, "types": _TYPES}
_CHANGE: Fields = {
    "url": Text(addresses.MOST_URL_CHARS, optional=True),
    "types": Several(choices=events.PATTERNS, optional=True),
    "enabled": Flag(optional=True),
}
_ROLL: Fields = {"overlap_s": Whole(low=0, high=_WEEK_S, optional=True, default=_DAY_S)}


def _endpoint_of(request: Request, id: UUID) -> WebhookEndpoint:
    endpoint = endpoints.find_endpoint(merchant_caller(request).merchant_id, id)
    if endpoint is None:
        raise UnknownWebhook("There is no webhook endpoint with this id.")
    return endpoint


def _with_secret(response: HttpResponse, request: Request) -> HttpResponse:
    """Show the secret that this answer is about. It is added to what is kept for a repeated
    Idempotency-Key, so that no secret is stored."""
    if response.status_code >= 300 or is_dry_run(request):
        return response
    body = orjson.loads(response.content)
    endpoint = _endpoint_of(request, UUID(body["id"]))
    endpoint.secret_number = body["secret_number"]
    response.content = orjson.dumps({**body, "secret": signatures.endpoint_secret(endpoint)})
    return response


class Webhooks(MerchantResource):
    scopes: ClassVar = {"GET": Scope.WEBHOOKS, "POST": Scope.WEBHOOKS}

    @described(
        "webhooks",
        "My webhook endpoints",
        answers={200: (shown.EndpointList, "All of them.", {"results": [shown.ENDPOINT]})},
        writes=False,
    )
    def get(self, request: Request) -> Response:
        with require_database():
            rows = WebhookEndpoint.objects.filter(merchant_id=merchant_caller(request).merchant_id)
            found = [webhook_bodies.endpoint_body(row) for row in rows.order_by("created_at")]
        return Response({"results": found})

    @described(
        "create_webhook",
        "Add a webhook endpoint",
        description="The secret is shown in this answer only.",
        fields=_NEW,
        example=shown.NEW,
        answers={201: (shown.EndpointWithSecret, "Added.", shown.WITH_SECRET)},
    )
    def post(self, request: Request) -> HttpResponse:
        caller, body = merchant_caller(request), read_body(request, _NEW)

        def create() -> Answer:
            endpoint = endpoints.create_endpoint(
                caller.merchant_id, url=body["url"], types=body["types"]
            )
            return Answer(201, webhook_bodies.endpoint_body(endpoint))

        return _with_secret(answer_once(request, body, create), request)


class Webhook(MerchantResource):
    scopes: ClassVar = {
        "GET": Scope.WEBHOOKS,
        "PATCH": Scope.WEBHOOKS,
        "DELETE": Scope.WEBHOOKS,
    }

    @described(
        "webhook",
        "A webhook endpoint",
        answers={200: (shown.EndpointShown, "The endpoint.", shown.ENDPOINT)},
        problems=(404,),
        writes=False,
    )
    def get(self, request: Request, id: UUID) -> Response:
        return Response(webhook_bodies.endpoint_body(_endpoint_of(request, id)))

    @described(
        "change_webhook",
        "Change a webhook endpoint, disable or enable it",
        fields=_CHANGE,
        example={"enabled": True},
        answers={200: (shown.EndpointShown, "As it is now.", shown.ENDPOINT)},
        problems=(404,),
        writes=False,
    )
    def patch(self, request: Request, id: UUID) -> Response:
        endpoint, body = _endpoint_of(request, id), read_body(request, _CHANGE)
        if is_dry_run(request):
            raise BadInput("dry_run", "is not offered here")
        return Response(webhook_bodies.endpoint_body(endpoints.change_endpoint(endpoint, **body)))

    @described(
        "delete_webhook",
        "Delete a webhook endpoint and its deliveries",
        answers={204: (None, "Deleted.", None)},
        problems=(404,),
        writes=False,
    )
    def delete(self, request: Request, id: UUID) -> HttpResponse:
        """Its deliveries are deleted with it, in batches."""
        if is_dry_run(request):
            raise BadInput("dry_run", "is not offered here")
        endpoints.delete_endpoint(_endpoint_of(request, id))
        return HttpResponse(status=204)


class Deliveries(MerchantResource):
    scopes: ClassVar = {"GET": Scope.WEBHOOKS}

    @described(
        "deliveries",
        "The deliveries of an endpoint, newest first",
        answers={200: (shown.DeliveryPage, "A page.", {"results": [shown.DELIVERY], "next": None})},
        problems=(400, 404),
        writes=False,
        parameters=(
            limit_parameter(MOST_LISTED, 50),
            OpenApiParameter("before", int, description="The `next` of the page before."),
            OpenApiParameter("state", enum=DeliveryState.values),
        ),
    )
    def get(self, request: Request, id: UUID) -> Response:
        """The newest first; `before` is the `next` of the page before."""
        endpoint = _endpoint_of(request, id)
        asked = request.query_params
        limit = number_in_query(asked, "limit", default=50, high=MOST_LISTED)
        before = number_in_query(asked, "before", default=MOST_ID, high=MOST_ID)
        rows = WebhookDelivery.objects.filter(endpoint=endpoint, message_id__lt=before)
        if state := request.query_params.get("state"):
            if state not in DeliveryState.values:
                raise BadInput("state", f"must be one of: {', '.join(DeliveryState.values)}")
            rows = rows.filter(state=state)
        with require_database():
            found = list(rows.select_related("message").order_by("-message_id")[: limit + 1])
        after = found[limit - 1].message_id if len(found) > limit else None
        return Response(
            {"results": [webhook_bodies.delivery_body(row) for row in found[:limit]], "next": after}
        )


class Replay(MerchantResource):
    scopes: ClassVar = {"POST": Scope.WEBHOOKS}

    @described(
        "replay",
        "Deliver the events since a moment again",
        fields={},
        key_needed=True,
        answers={202: (shown.Replayed, "Queued.", {"replayed": 12, "next_since": None})},
        problems=(404,),
        parameters=(OpenApiParameter("since", description="A moment with its offset."),),
    )
    def post(self, request: Request, id: UUID) -> HttpResponse:
        endpoint = _endpoint_of(request, id)
        read_body(request, {})
        since = _since_in(request)

        def replay() -> Answer:
            count, more = endpoints.replay_since(endpoint, since)
            return Answer(202, {"replayed": count, "next_since": more and more.isoformat()})

        return answer_once(request, {}, replay, key_needed=True)


def _since_in(request: Request) -> datetime:
    text = request.query_params.get("since", "").replace(" ", "+")  # of a `+` that was not encoded
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.utcoffset() is None:
        raise BadInput(
            "since", "must be a moment with its offset, such as 2026-12-01T09:00:00+09:00"
        )
    return moment


class TestEvent(MerchantResource):
    scopes: ClassVar = {"POST": Scope.WEBHOOKS}

    @described(
        "test_webhook",
        "Send a test event",
        fields={},
        answers={202: (shown.TestSent, "Queued.", {"id": shown.ID, "type": "webhook.test"})},
        problems=(404,),
    )
    def post(self, request: Request, id: UUID) -> HttpResponse:
        endpoint = _endpoint_of(request, id)
        read_body(request, {})

        def send() -> Answer:
            message = endpoints.send_test(endpoint)
            return Answer(202, {"id": str(message.message_id), "type": message.type})

        return answer_once(request, {}, send)


class SecretRoll(MerchantResource):
    scopes: ClassVar = {"POST": Scope.WEBHOOKS}

    @described(
        "roll_webhook_secret",
        "Roll an endpoint's secret",
        description="The former one signs as well until the overlap ends.",
        fields=_ROLL,
        example={"overlap_s": 86400},
        key_needed=True,
        answers={200: (shown.EndpointWithSecret, "With the new secret.", shown.WITH_SECRET)},
        problems=(404,),
    )
    def post(self, request: Request, id: UUID) -> HttpResponse:
        endpoint = _endpoint_of(request, id)
        body = read_body(request, _ROLL)

        def roll() -> Answer:
            rolled = endpoints.roll_secret(endpoint, overlap=timedelta(seconds=body["overlap_s"]))
            return Answer(200, webhook_bodies.endpoint_body(rolled))

        return _with_secret(answer_once(request, body, roll, key_needed=True), request)
