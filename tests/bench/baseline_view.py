"""The reference: a stock `APIView` with DRF's defaults; parses JSON, answers a constant.

It restores each default that our settings replace, so that it is a stock view in the same Django
process, behind the same middleware.
"""

from rest_framework.authentication import BasicAuthentication, SessionAuthentication
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import DEFAULTS, IMPORT_STRINGS, APISettings
from rest_framework.views import APIView

PATH = "/stock"  # by Django's own request cycle
SHARED_PATH = "/api/stock"  # by ours (`config.request_cycle`)


class BaselineView(APIView):
    settings = APISettings(
        {"EXCEPTION_HANDLER": "rest_framework.views.exception_handler"}, DEFAULTS, IMPORT_STRINGS
    )
    authentication_classes = (SessionAuthentication, BasicAuthentication)
    permission_classes = (AllowAny,)
    renderer_classes = (JSONRenderer, BrowsableAPIRenderer)
    parser_classes = (JSONParser, FormParser, MultiPartParser)
    content_negotiation_class = DefaultContentNegotiation
    throttle_classes = ()

    def post(self, request: Request) -> Response:
        return Response({"heard": len(request.data)})
