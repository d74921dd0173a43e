"""The proof of a closed campaign, for users."""

from rest_framework.request import Request
from rest_framework.response import Response

from coupons.api import rate_limit, request_body
from coupons.api.base_view import Resource
from coupons.campaigns import snapshot
from coupons.issuing import claim_status
from coupons.proof import inclusion, leaves
from coupons.proof.build import base64_of


class Inclusion(Resource):
    def get(self, request: Request, code: str) -> Response:
        caller = request_body.authenticated_caller(request)
        rate_limit.check_claims_of(caller.user)
        with rate_limit.counted_lookup(caller.user):
            row = claim_status.coupon_of(caller.user, request_body.read_code(code))
        found = inclusion.find_inclusion(snapshot.snapshot_of(row.campaign), row.place)
        return Response(
            {
                "campaign": row.campaign.slug,
                "version": leaves.VERSION,
                "place": found.place,
                "index": found.place - 1,
                "size": found.size,
                "root": base64_of(found.root),
                "hashes": [base64_of(node) for node in found.path],
            }
        )
