"""A campaign's coupons as a file, streamed: `?campaign=SLUG&export=csv` or `jsonl` of the list."""

from django.http import Http404, HttpRequest, StreamingHttpResponse

from coupons.admin.rights import require_right
from coupons.audit import trail
from coupons.bulk import exports
from coupons.bulk.reading import Format
from coupons.models import Act, Campaign
from coupons.models.rights import Right

PARAMETER = "export"
_TYPES = {Format.CSV: "text/csv; charset=utf-8", Format.JSON_LINES: "application/jsonl"}


def download_coupons(request: HttpRequest) -> StreamingHttpResponse:
    """The last line says that the file is complete. Raises PermissionDenied without the right to
    see users' ids; Http404 for another format, or without a campaign."""
    require_right(request, Right.VIEW_USER_IDS)
    campaign = Campaign.objects.filter(slug=request.GET.get("campaign", "")).first()
    given = request.GET[PARAMETER]
    if campaign is None or given not in list(Format):
        raise Http404
    file_format = Format(given)
    trail.record_or_log(
        Act.EXPORTED, kind="campaign", id=campaign.slug, campaign=campaign, after={"format": given}
    )
    answer = StreamingHttpResponse(
        exports.export_coupons(campaign, file_format), content_type=_TYPES[file_format]
    )
    answer["Content-Disposition"] = f'attachment; filename="{campaign.slug}-coupons.{given}"'
    return answer
