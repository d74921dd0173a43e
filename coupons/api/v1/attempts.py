"""What became of my attempts: the refusals, from the server, also after a reload."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from coupons.api import request_body
from coupons.api.base_view import Resource
from coupons.attempts.attempts_of_user import my_attempts
from coupons.campaigns import lookup


class MyAttempts(Resource):
    def get(self, request: Request, slug: str) -> Response:
        user = request_body.authenticated_caller(request).user
        body: dict[str, Any] = my_attempts(lookup.find_public(slug), user)
        return Response(body)
