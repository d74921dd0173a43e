"""The OpenAPI description of a merchants' endpoint: from the same fields that its body is read by.

@described("redeem", "Redeem a coupon", fields=FIELDS, example={…},
           answers={201: (schemas.Redemption, "Redeemed.", {…})}, problems=(404, 409))
"""

from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
)

from coupons.api.merchant.body import (
    Amount,
    Fields,
    Flag,
    Kind,
    Listing,
    Moment,
    OneOf,
    Several,
    Text,
    Whole,
)
from coupons.api.merchant.life_schemas import MerchantProblem

View = TypeVar("View", bound=Callable[..., Any])
Answers = dict[int, tuple[Any, str, Any]]  # status: (serializer, description, example)
ALWAYS = (401, 403, 429, 503)
WITH_BODY = (400, 411, 413, 415)

_KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="1 to 64 printable ASCII characters. The same key again: the same response.",
)
_NEEDED_KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    required=True,
    description="1 to 64 printable ASCII characters. Needed, but for a dry run: nothing else"
    " would tell a repeated request.",
)
_DRY_RUN = OpenApiParameter(
    "dry_run", OpenApiTypes.INT, enum=[0, 1], description="1: answer, but write nothing."
)


class MerchantKey(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "coupons.api.merchant.auth.KeyAuthentication"
    name = "merchantKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Api-Key cpk_live_…`",
        }


def described(
    operation_id: str,
    summary: str,
    *,
    answers: Answers,
    fields: Fields | None = None,
    example: Any = None,
    problems: tuple[int, ...] = (),
    description: str = "",
    writes: bool = True,
    key_needed: bool = False,
    parameters: tuple[OpenApiParameter, ...] = (),
    files: dict[str, str] | None = None,
    answer_type: str = "application/json",
    text_types: tuple[str, ...] = (),
) -> Callable[[View], View]:
    """`key_needed`: it refuses a request without a key. `writes`: it takes an Idempotency-Key and
    `?dry_run=1`. `files`: in place of `fields`, an example of the body by its media type.
    `text_types`: in which the good answer comes, too, if the request asks for it."""
    has_body = fields is not None or files is not None
    statuses = {*ALWAYS, *problems, *(WITH_BODY if has_body else ())}
    if writes:
        statuses |= {400, 409, 422}
        parameters = (*parameters, _NEEDED_KEY if key_needed else _KEY, _DRY_RUN)
    responses: dict[Any, Any] = {
        (status, answer_type) if answer[0] else status: _response(
            f"{operation_id} {status}", *answer, answer_type
        )
        for status, answer in answers.items()
    }
    for kind in text_types:
        for status, (_, text, _) in answers.items():
            responses[(status, kind)] = OpenApiResponse(OpenApiTypes.STR, text)
    for status in sorted(statuses):
        responses[(status, "application/problem+json")] = MerchantProblem
    is_empty = fields is not None and not fields
    if example is not None or is_empty:
        examples = [_example(operation_id, example or {}, is_request=True)]
    else:
        examples = []
    examples += [
        _example(f"{operation_id} {kind}", text, is_request=True, kind=kind)
        for kind, text in (files or {}).items()
    ]
    return extend_schema(
        operation_id=operation_id,
        summary=summary,
        description=description or f"{summary}.",
        parameters=list(parameters),
        request=_request_schemas(fields, files),
        examples=examples,
        responses=responses,
    )


def _response(name: str, serializer: Any, text: str, body: Any, kind: str) -> OpenApiResponse:
    """Without a serializer it has no body."""
    examples = [_example(name, body, kind=kind)] if serializer else []
    return OpenApiResponse(serializer, text, examples)


def _request_schemas(fields: Fields | None, files: dict[str, str] | None) -> Any:
    if fields is not None:
        return {"application/json": fields_schema(fields)}
    return {kind: {"type": "string"} for kind in files} if files else None


def _example(
    name: str, body: Any, *, is_request: bool = False, kind: str = "application/json"
) -> OpenApiExample:
    return OpenApiExample(
        name, body, request_only=is_request, response_only=not is_request, media_type=kind
    )


def fields_schema(fields: Fields) -> dict[str, Any]:
    """The JSON schema of an object with these fields and no others."""
    return {
        "type": "object",
        "properties": {name: kind_schema(kind) for name, kind in fields.items()},
        "required": [name for name, kind in fields.items() if not kind.optional],
        "additionalProperties": False,
    }


def kind_schema(kind: Kind) -> dict[str, Any]:
    """The JSON schema of one field. Raises TypeError for a kind without one."""
    schema = _bare_schema(kind)
    if kind.nullable:
        schema["type"] = [schema["type"], "null"]
    has_default = isinstance(kind.default, str | int | tuple) and kind.default not in ("", ())
    if kind.optional and has_default:  # an empty one would be sent by a generated client
        schema["default"] = kind.default
    return schema


def _bare_schema(kind: Kind) -> dict[str, Any]:
    match kind:
        case Text():
            return {"type": "string", "minLength": kind.low, "maxLength": kind.most}
        case Whole():
            return {"type": "integer", "minimum": kind.low, "maximum": kind.high}
        case Flag():
            return {"type": "boolean"}
        case Amount():
            return {"type": "string", "description": 'An amount as text: "12000" or "19.90".'}
        case OneOf():
            return {"type": "string", "enum": list(kind.choices)}
        case Moment(or_date=True):
            return {"type": "string", "description": "A moment with its offset, or a date."}
        case Moment():
            return {"type": "string", "format": "date-time"}
        case Several():
            items = {"type": "string", "enum": list(kind.choices)}
            return {"type": "array", "items": items, "uniqueItems": True}
        case Listing():
            entry = fields_schema(kind.fields or {})
            return {"type": "array", "minItems": 1, "maxItems": kind.most, "items": entry}
    raise TypeError(f"{type(kind).__name__} has no schema.")
