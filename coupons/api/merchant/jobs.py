"""Bulk grants and revocations, for merchants: received as a stream, and worked on later."""

from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from coupons.api.merchant import bulk_schemas, idempotency
from coupons.api.merchant.auth import merchant_caller
from coupons.api.merchant.base_view import MerchantResource
from coupons.api.merchant.described import Answers, described
from coupons.api.merchant.idempotency import Answer
from coupons.api.request_body import number_in_query
from coupons.audit.actors import Actor
from coupons.audit.log import TEXT_CHARS
from coupons.bulk import jobs, reading, receiving
from coupons.bulk.reading import ByteStream, Format
from coupons.claims.stranger_text import OddValue, shown_text, text_from_stranger
from coupons.claims.timestamps import iso_of, milliseconds_of
from coupons.claims.typed_fields import MOST_NAME
from coupons.database import availability
from coupons.errors import BadInput, BodyTooLarge, LengthRequired, MediaTypeRefused, UnknownJob
from coupons.models import ActorKind, Job, JobLine, Scope

_FORMATS = {
    "text/csv": Format.CSV,
    "application/jsonl": Format.JSON_LINES,
    "application/x-ndjson": Format.JSON_LINES,
}
VERDICTS = ("granted", "has_place", "refused", "revoked", "revoked_before")
MOST_SHOWN = 1_000  # lines in one answer
MOST_AFTER = 2**32 - 1  # places of a campaign, and lines


_RECEIVED: Answers = {
    202: (bulk_schemas.JobStatus, "All lines were received, and are worked on.", bulk_schemas.JOB)
}
_REFUSALS = (404, 409)


class Grants(MerchantResource):
    scopes: ClassVar = {"POST": Scope.GRANTS}

    @described(
        "grant_many",
        "Give many users a coupon each",
        description="One user a line: `user`, and `nth` where users may have several.",
        files={"text/csv": "user\nann\nbob\n", "application/jsonl": '{"user": "ann"}\n'},
        key_needed=True,
        answers=_RECEIVED,
        problems=_REFUSALS,
    )
    def post(self, request: Request, slug: str) -> HttpResponse:
        _demand_parameters(request, set())
        return _receive(request, slug, Job.Kind.GRANTS)


class Revocations(MerchantResource):
    scopes: ClassVar = {"POST": Scope.GRANTS}

    @described(
        "revoke_many",
        "Take many coupons from their owners",
        description="One coupon a line: `code`, or `user` (and `nth`).",
        files={
            "text/csv": "code\n7K2M-9QXT-4B8N-W3R4\n",
            "application/jsonl": '{"user": "ann"}\n',
        },
        parameters=(
            OpenApiParameter("reason", str, required=True),
            OpenApiParameter("force", int, enum=[0, 1], description="1: also held coupons."),
            OpenApiParameter("returns", int, enum=[0, 1], description="1: their stock returns."),
        ),
        key_needed=True,
        answers=_RECEIVED,
        problems=_REFUSALS,
    )
    def post(self, request: Request, slug: str) -> HttpResponse:
        _demand_parameters(request, {"reason", "force", "returns"})
        reason = _reason_in(request)
        options = {name: _flag(request, name) for name in ("force", "returns")}
        return _receive(request, slug, Job.Kind.REVOCATIONS, reason=reason, **options)


def _receive(request: Request, slug: str, kind: Job.Kind, **options: Any) -> HttpResponse:
    caller = merchant_caller(request)
    idempotency.read_call(request, None, key_needed=True)  # before a long body is read
    campaign = receiving.find_campaign(slug, merchant_id=caller.merchant_id)
    stream, file_format = _stream_of(request), _format_of(request)
    actor = Actor(ActorKind.KEY, caller.prefix)
    job = receiving.receive_job(
        campaign, kind, stream, file_format, actor=actor, merchant_id=caller.merchant_id, **options
    )

    def start() -> Answer:
        receiving.start_job(job)
        body = job_body(job, {"": job.lines})
        if idempotency.is_dry_run(request):  # there will be no such job
            body |= {"job": None, "state": "rehearsed"}
        return Answer(202, body)

    started = False
    try:
        fingerprint = {"sha256": stream.digest.hexdigest()}
        response = idempotency.answer_once(request, fingerprint, start, key_needed=True)
        started = not {"Idempotency-Replayed", "Dry-Run"} & set(response.headers)
    finally:
        if not started:  # a replay, a rehearsal, or it was refused
            receiving.discard_job(job)
    return response


def _demand_parameters(request: Request, known: set[str]) -> None:
    for name in request.query_params:
        if name not in known | {"dry_run"}:
            raise BadInput(shown_text(name, MOST_NAME), "is not a parameter of this request")


def _reason_in(request: Request) -> str:
    """Raises BadInput if it is missing, too long, or not one line."""
    reason = request.query_params.get("reason", "").strip()
    if not reason:
        raise BadInput("reason", "is needed")
    try:
        return text_from_stranger(reason, most=TEXT_CHARS)
    except OddValue as odd:
        raise BadInput("reason", odd.why) from None


def _flag(request: Request, name: str) -> bool:
    given = request.query_params.get(name, "0")
    if given not in ("0", "1"):
        raise BadInput(name, "must be 0 or 1")
    return given == "1"


def _stream_of(request: Request) -> ByteStream:
    meta = request._request.META
    if "HTTP_TRANSFER_ENCODING" in meta:
        raise LengthRequired("Send the body with a Content-Length, not in chunks.")
    if int(meta.get("CONTENT_LENGTH") or 0) > reading.MOST_BYTES:
        raise BodyTooLarge(f"The body has more than {reading.MOST_BYTES} bytes.")
    return ByteStream(partial(request._request.read))


def _format_of(request: Request) -> Format:
    media_type = request._request.META.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if media_type not in _FORMATS:
        raise MediaTypeRefused(f"Send one of: {', '.join(_FORMATS)}.")
    return _FORMATS[media_type]


class Jobs(MerchantResource):
    scopes: ClassVar = {"GET": Scope.GRANTS}

    @described(
        "job",
        "How far a job is",
        answers={200: (bulk_schemas.JobStatus, "Its state and its verdicts.", bulk_schemas.JOB)},
        problems=(404,),
        writes=False,
    )
    def get(self, request: Request, id: UUID) -> Response:
        job = _job_of(request, id)
        return Response(job_body(job, jobs.count_verdicts(job)))


class JobLines(MerchantResource):
    scopes: ClassVar = {"GET": Scope.GRANTS}

    @described(
        "job_lines",
        "The verdict about each line",
        parameters=(
            OpenApiParameter("verdict", str),
            OpenApiParameter("after", int, description="Lines above this one."),
        ),
        answers={200: (bulk_schemas.JobLinePage, "At most 1,000 lines.", bulk_schemas.JOB_LINES)},
        problems=(400, 404),
        writes=False,
    )
    def get(self, request: Request, id: UUID) -> Response:
        _demand_parameters(request, {"verdict", "after"})
        job = _job_of(request, id)
        rows = JobLine.objects.filter(job=job, line__gt=read_after(request))
        verdict = request.query_params.get("verdict")
        if verdict is not None and verdict not in VERDICTS:
            raise BadInput("verdict", f"must be one of: {', '.join(VERDICTS)}")
        if verdict is not None:
            rows = rows.filter(verdict=verdict)
        with availability.require_database():
            page = list(rows.order_by("line")[:MOST_SHOWN])
        is_last = len(page) < MOST_SHOWN
        body = {"after": None if is_last else page[-1].line, "lines": list(map(_line_body, page))}
        return Response(body)


def read_after(request: Request) -> int:
    """`?after=n`. Raises BadInput."""
    return number_in_query(request.query_params, "after", default=0, low=0, high=MOST_AFTER)


def _job_of(request: Request, job_id: UUID) -> Job:
    """Raises UnknownJob, also for another merchant's."""
    with availability.require_database():
        rows = Job.objects.filter(merchant_id=merchant_caller(request).merchant_id)
        job = rows.select_related("campaign").filter(pk=job_id).first()
    if job is None:
        raise UnknownJob("There is no job with this id.")
    return job


def job_body(job: Job, counts: dict[str, int]) -> dict[str, Any]:
    done = {verdict: count for verdict, count in counts.items() if verdict}
    return {
        "job": str(job.pk),
        "kind": job.kind,
        "campaign": job.campaign.slug,
        "state": job.state,
        "lines": job.lines,
        "done": sum(done.values()),
        "verdicts": done,
        "reason": job.reason,
        "created_at": iso_of(milliseconds_of(job.created_at)),
        "finished_at": job.finished_at and iso_of(milliseconds_of(job.finished_at)),
    }


def _line_body(line: JobLine) -> dict[str, Any]:
    return {
        "line": line.line,
        **line.data,
        "verdict": line.verdict or None,
        **(line.detail or {}),
    }
